"""Truth, verification and training: outcomes of past days, scores, models."""
