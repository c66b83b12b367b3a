"""Duties that nobody asks for: reading everything again before it is needed."""
