"""Vectors and small databases of each format there ever was."""
