"""The fidelities that users get unless they choose others. Free of PyTorch, so that menus and help can read it."""

DEFAULT_FIDELITY = 0.5
"""The default of the setting. From here on a VQFR v1 gives its published answer; see `vqfr/mixture.py`."""
SWEEP_FIDELITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Those of comparisons."""
AUTO_FIDELITY = "auto"
"""The word for one of each face's own."""


def name_fidelity(fidelity: float | str) -> str:
    """As shown in labels: "0.5" or "auto"."""
    return fidelity if isinstance(fidelity, str) else f"{fidelity:g}"
