"""What was really seen, and what is learnt from it: truth, scores, training."""
