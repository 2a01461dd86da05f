"""This host's virtual machines: box files and lineups, bringing boxes up and down, and what the host needs for it."""
