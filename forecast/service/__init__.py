"""What runs day and night."""
