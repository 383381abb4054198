"""The sample cycle, and a loopback server that serves it like the public sources."""
