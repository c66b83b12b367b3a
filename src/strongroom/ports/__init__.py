"""What the engines are promised and what they promise; values and Protocols only."""
