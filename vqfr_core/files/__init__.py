"""Files in, files out: what the command line and the page do with pictures on disk."""
