"""Weight files: found, fetched, checked, recognised and turned into networks."""
