"""Learning: features to probability."""
