"""An issue: which runs it is made of, and its life from draft to release."""
