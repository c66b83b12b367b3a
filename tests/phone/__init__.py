"""A phone that behaves like DAVx5, and servers that lie to it."""
