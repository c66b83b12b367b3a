"""Small cells as the code of each closed issue wrote them; later code must open them."""
