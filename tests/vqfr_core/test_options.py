import dataclasses
import subprocess
import sys

import pytest

from vqfr_core.errors import InputError
from vqfr_core.options import (
    GROUP_TITLES,
    BlendOptions,
    FindOptions,
    MeasureOptions,
    NetworkOptions,
    RestoreOptions,
    SelectOptions,
    option_specs,
    parse_fidelities,
)

GROUPS = {
    "restore": NetworkOptions,
    "detect": FindOptions,
    "select": SelectOptions,
    "blend": BlendOptions,
    "measure": MeasureOptions,
}
# name, default, label, group: what users, saved settings and scripts hold on to, in the order they are shown.
PROMISED = [
    ("fidelity", 0.5, "Fidelity", "restore"),
    ("precision", "auto", "Precision", "restore"),
    ("batch_size", 0, "Faces at once", "restore"),
    ("aligned", False, "Input is an aligned face", "restore"),
    ("detector", "auto", "Detector", "detect"),
    ("min_confidence", 0.8, "Minimum confidence", "detect"),
    ("detection_size", 1280, "Detection size", "detect"),
    ("tiles", False, "Detect in tiles", "detect"),
    ("rotations", False, "Detect rotated faces", "detect"),
    ("min_face_px", 24.0, "Minimum face size", "detect"),
    ("max_face_px", 0.0, "Maximum face size", "detect"),
    ("min_face_fraction", 0.0, "Minimum face fraction", "detect"),
    ("max_face_fraction", 1.0, "Maximum face fraction", "detect"),
    ("select", "all", "Select", "select"),
    ("sort", "size", "Sort by", "select"),
    ("max_faces", 0, "At most", "select"),
    ("mask", "auto", "Mask", "blend"),
    ("regions", "skin,brows,eyes,glasses,nose,mouth,ears", "Regions", "blend"),
    ("erode", 0.02, "Erode", "blend"),
    ("feather", 0.06, "Feather", "blend"),
    ("opacity", 1.0, "Opacity", "blend"),
    ("color_match", 1.0, "Colour match", "blend"),
    ("grain", 0.0, "Grain", "blend"),
    ("scale", 1.0, "Output scale", "blend"),
    ("detail", 1.0, "Finer detail", "blend"),
    ("only_degraded", False, "Only degraded faces", "measure"),
    ("auto_fidelity", False, "Automatic fidelity", "measure"),
]
RANGES = {
    "fidelity": (0.0, 1.0, 0.05),
    "batch_size": (0, 64, 1),
    "min_confidence": (0.02, 1.0, 0.01),
    "detection_size": (128, 8192, 32),
    "min_face_px": (0.0, 8192.0, 1.0),
    "max_face_px": (0.0, 65536.0, 1.0),
    "min_face_fraction": (0.0, 1.0, 0.01),
    "max_face_fraction": (0.0, 1.0, 0.01),
    "max_faces": (0, 1000, 1),
    "erode": (-0.2, 0.3, 0.01),
    "feather": (0.0, 0.5, 0.01),
    "opacity": (0.0, 1.0, 0.05),
    "color_match": (0.0, 1.0, 0.05),
    "grain": (0.0, 1.0, 0.05),
    "scale": (1.0, 4.0, 0.5),
    "detail": (0.0, 1.0, 0.05),
}
CHOICES = {
    "precision": ("auto", "fp32", "bf16", "fp16"),
    "detector": ("auto", "retinaface_resnet50", "retinaface_mobile0.25"),
    "sort": ("size", "left-right", "top-bottom", "center", "score"),
    "mask": ("auto", "parsing", "soft", "crop"),
}
BASIC = {"fidelity", "detector", "min_confidence", "select", "sort", "mask", "opacity", "color_match", "scale"}


def test_names_defaults_labels_and_their_order_are_kept():
    specs = option_specs()
    shown = [(spec.name, spec.default, spec.label, spec.group) for spec in specs]
    assert shown == PROMISED
    assert [type(spec.default) for spec in specs] == [type(default) for _, default, _, _ in PROMISED]
    assert {spec.name: (spec.minimum, spec.maximum, spec.step) for spec in specs if spec.step is not None} == RANGES
    assert {spec.name: spec.choices for spec in specs if spec.choices is not None} == CHOICES
    assert {spec.name for spec in specs if spec.is_basic} == BASIC


def test_every_default_is_allowed_and_described():
    for spec in option_specs():
        spec.check(spec.default)
        assert spec.label and spec.help.endswith(".") and spec.group in GROUP_TITLES


def test_all_settings_as_plain_values():
    values = dataclasses.asdict(RestoreOptions(opacity=0.9))
    assert list(values.items()) == [(name, 0.9 if name == "opacity" else default) for name, default, _, _ in PROMISED]


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_stands_alone_and_is_part_of_the_whole(group):
    options = GROUPS[group]
    assert [(s.name, s.group) for s in option_specs(options)] == [(n, g) for n, _, _, g in PROMISED if g == group]
    assert issubclass(RestoreOptions, options) and isinstance(RestoreOptions(), options)
    assert dataclasses.asdict(options()).items() <= dataclasses.asdict(RestoreOptions()).items()
    with pytest.raises(TypeError, match="unexpected keyword"):
        options(nothing=1)
    assert option_specs(options) == [spec for spec in option_specs() if spec.group == group]


def test_a_copy_with_changes_is_of_the_same_kind_and_checked():
    blend = BlendOptions(opacity=0.5).replace(scale=2.0)
    assert type(blend) is BlendOptions and (blend.opacity, blend.scale) == (0.5, 2.0)
    assert RestoreOptions(tiles=True).replace(select="0").tiles
    with pytest.raises(InputError, match=r"scale: 9.0 is outside 1.0 to 4.0"):
        blend.replace(scale=9.0)


def test_numbers_become_what_the_setting_is():
    options = RestoreOptions(max_faces=1.0, batch_size=2.0, detection_size=640.0, opacity=1, scale=2)
    values = (options.max_faces, options.batch_size, options.detection_size, options.opacity, options.scale)
    assert repr(values) == "(1, 2, 640, 1.0, 2.0)"
    assert repr(SelectOptions().replace(max_faces=3.0).max_faces) == "3"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fidelity", 1.1, "outside 0.0 to 1.0"),
        ("fidelity", float("nan"), "outside"),
        ("fidelity", "high", "needs a number"),
        ("fidelity", "auto", "set auto_fidelity to true"),
        ("fidelity", True, "needs a number"),
        ("mask", "oval", "choose one of auto, parsing, soft, crop"),
        ("mask", ["soft"], "choose one of auto"),
        ("batch_size", 2.5, "whole number"),
        ("batch_size", float("inf"), "whole number"),
        ("tiles", "yes", "true or false"),
        ("tiles", 1, "true or false"),
        ("select", 3, "needs text"),
        ("select", "the third one", "cannot understand 'the third one'"),
        ("regions", "beard", "regions: beard is not known; choose from skin, brows"),
        ("regions", "skin,beard", "beard is not known"),
        ("detector", "x", "choose one of auto, retinaface_resnet50, retinaface_mobile0.25"),
        ("sort", "width", "choose one of size, left-right"),
        ("precision", "fp8", "choose one of auto, fp32"),
    ],
)
def test_bad_values_are_named_when_the_object_is_made(name, value, message):
    (group,) = (GROUPS[group] for option, _, _, group in PROMISED if option == name)
    for options in (RestoreOptions, group):
        with pytest.raises(InputError, match=message) as caught:
            options(**{name: value})
        assert name in str(caught.value)


def test_a_retired_value_is_understood_under_its_present_name():
    assert RestoreOptions(mask="box").mask == BlendOptions(mask="box").mask == "crop"
    assert RestoreOptions().replace(mask="box") == RestoreOptions(mask="crop")
    (mask,) = (spec for spec in option_specs() if spec.name == "mask")
    assert "box" not in mask.choices and mask.current("box") == "crop" and mask.current("soft") == "soft"


def test_unknown_names_are_refused():
    with pytest.raises(TypeError, match="fidelty"):
        RestoreOptions(fidelty=0.7)


def test_lists_of_fidelities():
    assert parse_fidelities("0, 0.5,1") == (0.0, 0.5, 1.0) and parse_fidelities("0.3,") == (0.3,)
    for text in ("", ",", "low", "0;1", "0,1.1", "-0.1", "nan"):
        with pytest.raises(InputError, match=r"fidelities: .* is not a list of numbers from 0 to 1, such as 0, 0.5, 1"):
            parse_fidelities(text)


def test_help_says_what_the_original_uses():
    fidelity = next(spec for spec in option_specs() if spec.name == "fidelity")
    assert fidelity.default == 0.5
    assert "v2, VQFR's own instructions use 0.1, its code 0" in fidelity.help
    assert f"published result at {fidelity.default} and above" in fidelity.help
    assert "GFPGAN and RestoreFormer do not" in fidelity.help


def test_nothing_heavy_is_imported():
    code = "import sys, vqfr_core.options; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'PIL')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
