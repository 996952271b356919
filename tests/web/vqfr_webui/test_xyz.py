"""The axes of the X/Y/Z plot."""

import pytest

from vqfr_core import option_specs


@pytest.fixture
def axes(webui):
    for add in webui.callbacks["before_ui"]:
        add()
    return {option.label: option for option in webui.axes.axis_options}


def test_every_setting_has_an_axis(axes):
    labels = {f"[VQFR] {spec.label}" for spec in option_specs() if spec.name != "aligned"}
    own = {"[VQFR] Model", "[VQFR] Enabled", "[VQFR] When", "[VQFR] Inpaint only"}
    assert set(axes) - {"Seed"} == labels | own


def test_cells_do_not_share_values(axes, processing):
    axes["[VQFR] Fidelity"].apply(processing, 0.1, [])
    first = processing.vqfr_axes
    axes["[VQFR] Detect in tiles"].apply(processing, "True", [])
    assert first == {"fidelity": 0.1} and processing.vqfr_axes == {"fidelity": 0.1, "tiles": True}


@pytest.mark.parametrize(
    ("label", "good", "bad"),
    [("Fidelity", [0.0, 1.0], [2.0]), ("Mask", ["soft", "box"], ["round"]), ("Model", ["auto"], ["none"])],
)
def test_bad_values_are_refused_before_the_plot_starts(axes, processing, label, good, bad):
    confirm = axes[f"[VQFR] {label}"].confirm
    confirm(processing, good)
    with pytest.raises(RuntimeError, match=str(bad[0])):
        confirm(processing, bad)


def test_a_host_without_the_plot_is_fine(webui):
    import sys

    scripts = sys.modules["modules.scripts"].scripts_data
    scripts.clear()
    webui.part("xyz").add_axes()
    assert scripts == []
