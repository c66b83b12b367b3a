"""Real servers, as another program meets them."""
