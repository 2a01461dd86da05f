"""A lesson for a room: one page for the projector and one for each student, who predicts what the run shows."""
