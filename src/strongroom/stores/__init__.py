"""What keeps the promises of `ports`: replicas, witness, locks, lanes. Only compose picks them."""
