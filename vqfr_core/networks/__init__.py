"""The networks: built from tensors, fed with tensors. They know neither files nor settings."""
