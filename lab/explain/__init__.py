"""From a stored run: what was to be expected of each step, and why each step that ran did; pure."""
