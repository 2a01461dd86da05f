"""A user's own project as a scenario: its Dockerfile gives the steps, its folder the context."""
