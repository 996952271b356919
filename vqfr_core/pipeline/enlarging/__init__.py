"""Enlarge or clean whole pictures with a network."""
