"""The tab for several pictures."""
