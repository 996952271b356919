"""Send faces through a network."""
