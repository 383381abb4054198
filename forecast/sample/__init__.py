"""A sample cycle that the project owns, and a loopback server that hands it out as the public ones
would.
"""
