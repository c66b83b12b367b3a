"""Pages for people: so far the one that sets up a phone."""
