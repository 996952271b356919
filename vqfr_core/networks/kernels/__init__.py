"""Fast versions of hot operations, each next to its plain counterpart."""
