"""Fast forms of hot operations, each beside its plain twin."""
