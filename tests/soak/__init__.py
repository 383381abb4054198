"""A simulated season of the real service: `make soak` (tests/soak/run.py)."""
