import argparse

import pytest

from vqfr_core.cli.arguments import Parser, add_settings, join_negative_values, read_settings
from vqfr_core.errors import InputError
from vqfr_core.options import RestoreOptions, option_specs

GROUPS = ("restore", "detect", "select", "blend", "measure")


def parse(*words: str) -> argparse.Namespace:
    parser = Parser(prog="test")
    add_settings(parser, GROUPS)
    return parser.parse_args(list(words))


def test_without_words_every_setting_has_its_default():
    assert read_settings(parse()) == RestoreOptions()


@pytest.mark.parametrize("spec", option_specs(), ids=lambda spec: spec.name)
def test_every_setting_has_an_option_of_its_name(spec):
    flag = f"--{spec.name.replace('_', '-')}"
    if spec.name == "auto_fidelity":
        value, words = True, ["--fidelity", "auto"]
    elif isinstance(spec.default, bool):
        value, words = True, [flag]
    else:
        value = {"select": "1:3", "regions": "skin"}.get(spec.name)
        if value is None:
            value = spec.choices[-1] if spec.choices else type(spec.default)(spec.minimum)
        words = [flag, str(value)]
    assert read_settings(parse(*words)) == RestoreOptions().replace(**{spec.name: value})


def test_every_setting_is_in_a_known_group():
    assert {spec.group for spec in option_specs()} == set(GROUPS)


def test_a_setting_that_is_left_out_is_no_option():
    parser = Parser(prog="test")
    add_settings(parser, GROUPS, leave_out=("fidelity",))
    assert "--fidelity" not in parser.format_help()
    assert read_settings(parser.parse_args([])) == RestoreOptions()


def test_expressions_are_checked_before_any_work():
    with pytest.raises(InputError, match="second"):
        read_settings(parse("--select", "second"))
    with pytest.raises(InputError, match="hat"):
        read_settings(parse("--regions", "hat"))


def test_negative_numbers_of_faces():
    words = ["a.png", "--select", "-1,0", "--erode", "-0.1", "--select", "--sort"]
    assert join_negative_values(words) == ["a.png", "--select=-1,0", "--erode", "-0.1", "--select", "--sort"]
    options = read_settings(parse(*join_negative_values(["--select", "-2:", "--erode", "-0.1"])))
    assert (options.select, options.erode) == ("-2:", -0.1)
