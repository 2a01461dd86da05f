"""What to do about files that differ: each remedy is tried on the records of both sides before it is offered."""
