"""Numbers: from a model run to features, and when."""
