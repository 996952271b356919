"""Quality measured the way the field measures it. Nothing here is needed to restore faces."""
