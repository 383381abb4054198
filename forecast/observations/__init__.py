"""Station reports: intake, quality control, current values, nowcast."""
