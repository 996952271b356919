"""Quality metrics of the field. Nothing here is needed to restore faces."""
