"""Words and pictures: forecasts to screens."""
