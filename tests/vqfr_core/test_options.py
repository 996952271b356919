import dataclasses

import pytest

from vqfr_core.errors import InputError
from vqfr_core.options import RestoreOptions, option_specs


def test_every_default_is_allowed_and_described():
    specs = option_specs()
    assert [spec.name for spec in specs] == [field.name for field in dataclasses.fields(RestoreOptions)]
    for spec in specs:
        spec.check(spec.default)
        assert spec.label and spec.help.endswith(".") and spec.group in ("restore", "detect", "select", "blend")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fidelity", 1.1, "outside 0.0 to 1.0"),
        ("fidelity", float("nan"), "outside"),
        ("fidelity", "high", "needs a number"),
        ("fidelity", True, "needs a number"),
        ("mask", "oval", "choose one of auto, parsing, soft, box"),
        ("batch_size", 2.5, "whole number"),
        ("batch_size", float("inf"), "whole number"),
        ("tiles", "yes", "true or false"),
        ("select", 3, "needs text"),
    ],
)
def test_bad_values_are_named(name, value, message):
    with pytest.raises(InputError, match=message) as caught:
        RestoreOptions(**{name: value})
    assert name in str(caught.value)


def test_options_by_name_refuse_unknown_names_with_the_known_ones():
    assert RestoreOptions.from_names({"fidelity": 0.7}).fidelity == 0.7
    with pytest.raises(InputError, match="unknown option fidelty; known are fidelity, precision"):
        RestoreOptions.from_names({"fidelty": 0.7})


def test_help_says_what_the_original_uses():
    fidelity = next(spec for spec in option_specs() if spec.name == "fidelity")
    assert fidelity.default == 0.5
    assert "instructions use 0.1" in fidelity.help and "v1 model ignores" in fidelity.help
