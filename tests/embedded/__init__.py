"""The product, and the embedded AWS it runs on, as a user has them."""
