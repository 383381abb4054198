"""From bytes to an Atmosphere: which run, which messages, what they say."""
