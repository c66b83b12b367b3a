"""In-memory stand-ins for parts of the world; each keeps the promise of its port."""
