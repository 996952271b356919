"""Find faces and choose among them."""
