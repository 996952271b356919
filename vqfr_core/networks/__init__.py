"""The networks. They know neither files nor settings: built from tensors, fed with tensors."""
