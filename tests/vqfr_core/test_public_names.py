import inspect
import subprocess
import sys
from typing import Any

import pytest

import vqfr_core


def test_every_public_name_is_there():
    assert set(vqfr_core.__all__) == set(" ".join(vqfr_core._NAMES.values()).split())
    for name in vqfr_core.__all__:
        assert getattr(vqfr_core, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_like_it"):
        vqfr_core.nothing_like_it  # noqa: B018


def arguments(call: Any) -> list[str]:
    """Those that may be given by position."""
    parameters = inspect.signature(call).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Box", "x0 y0 x1 y1"),
        ("Detections", "faces skipped"),
        ("FaceCrop", "detection image image_to_crop"),
        ("FaceDetection", "box landmarks score"),
        ("FaceRestorer", "model"),
        ("FaceRestorer.detect", "images options"),
        ("FaceRestorer.network_for", "options"),
        ("FaceRestorer.restore", "image options"),
        ("FaceRestorer.restore_many", "images options"),
        ("FaceRestorer.sweep", "image fidelities options"),
        ("Picture", "frames is_gray bit_depth icc_profile exif text dpi loop source_format"),
        ("Picture.with_images", "images"),
        ("Restoration", "image mask faces report"),
        ("RestoredFace", "crop image mask opacity"),
        ("SkippedFace", "detection reason"),
        ("load_model", "name_or_path device dtype"),
        ("read_picture", "path max_pixels"),
        ("to_array", "image bit_depth"),
        ("to_pil", "image alpha"),
        ("to_tensor", "value"),
        ("write_picture", "picture path"),
    ],
)
def test_positions_of_arguments_stay(name: str, expected: str):
    call: Any = vqfr_core
    for part in name.split("."):
        call = getattr(call, part)
    assert arguments(call)[: len(expected.split())] == expected.split()


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, vqfr_core; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'PIL', 'cv2')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
