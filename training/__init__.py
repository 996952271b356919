"""Trains the small embedded network. Not needed to run the plugin."""
