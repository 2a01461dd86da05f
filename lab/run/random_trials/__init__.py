"""Random builds on real engines of this machine, each held against its prediction: what `lab truth --random` runs."""
