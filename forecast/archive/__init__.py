"""The archive: every table, and the only SQL."""
