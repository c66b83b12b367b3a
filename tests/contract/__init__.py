"""One suite for every replica there is, and the histories and faults that it is run with."""
