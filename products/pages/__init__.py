"""The pages of the web site, the screens and the public data."""
