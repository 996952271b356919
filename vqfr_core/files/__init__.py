"""What the command line and the page do with pictures on disk."""
