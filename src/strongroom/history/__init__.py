"""What happened: entries and their bytes, chains, heads, decide and apply. Pure (I2)."""
