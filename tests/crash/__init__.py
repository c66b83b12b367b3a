"""The crash harness: a load with an oracle, and what is done to the server under it."""
