"""The fidelity that users get unless they choose another. Free of PyTorch, so that menus and help can read it."""

DEFAULT_FIDELITY = 0.5
"""The default of the setting. From here on a VQFR v1 gives its published answer; see `vqfr/mixture.py`."""
