"""What the fleet does with a box of each kind: prepare it, choose and start its engines, remove what lab made."""
