import sys

import pytest

from vqfr_core import InputError, RestoreOptions, VqfrError, option_specs
from vqfr_core.page import gradio_compat
from vqfr_core.page.controls import add_basic_controls, add_other_controls, in_order, read_controls
from vqfr_core.page.progress import with_bar
from vqfr_core.page.shown import Shown


def test_the_defaults_are_the_settings_own():
    assert read_controls([spec.default for spec in option_specs()]) == RestoreOptions()
    assert read_controls([None if spec.default != "all" else "" for spec in option_specs()]) == RestoreOptions()


def test_what_browsers_send_becomes_the_settings_types():
    sent = {"batch_size": 4.0, "fidelity": 1, "max_faces": 2.0}
    options = read_controls([sent.get(spec.name, spec.default) for spec in option_specs()])
    assert (options.batch_size, options.fidelity, options.max_faces) == (4, 1.0, 2)
    with pytest.raises(InputError, match="whole number"):
        read_controls([2.5 if spec.name == "batch_size" else spec.default for spec in option_specs()])


def test_every_setting_has_one_control():
    gr = pytest.importorskip("gradio", reason="the page needs gradio (pip install gradio)")
    controls = {}
    with gr.Blocks():
        add_basic_controls(controls, "x", ("restore", "detect", "select", "blend"))
        assert list(controls) == [spec.name for spec in option_specs() if spec.is_basic]
        add_other_controls(controls, "x")
    assert set(controls) == {spec.name for spec in option_specs()}
    for spec, control in zip(option_specs(), in_order(controls), strict=True):
        assert (control.label, control.info, control.value) == (spec.label, spec.help, spec.default)


def test_without_gradio_the_way_to_get_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(VqfrError, match="pip install"):
        gradio_compat.import_gradio()


def test_a_bar_while_the_work_goes_on():
    def work(progress):
        progress("face", 1, 2)
        return Shown(said="done")

    shown = list(with_bar(work))
    assert "1 of 2 faces done" in shown[1].said and "width: 50%" in shown[1].said
    assert shown[-1].changes() == {"said": "done"}

    def fail(progress):
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        list(with_bar(fail))
