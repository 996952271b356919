import pytest

from vqfr_core.errors import InputError
from vqfr_core.page.standalone import RestorerKeeper


def test_the_choices_are_what_is_here_and_what_could_be_fetched(tiny_v1):
    assert RestorerKeeper(tiny_v1, "cpu", download=False).names() == ["tiny_v1.safetensors", "auto", "vqfr_small"]
    assert "vqfr_v2 (downloads it first)" in RestorerKeeper(device="cpu").names()


def test_only_choices_are_opened_and_the_last_is_kept(tiny_v1):
    keeper = RestorerKeeper(tiny_v1, "cpu", download=False)
    first = keeper.open("tiny_v1.safetensors")
    assert keeper.open() is first
    assert keeper.open("vqfr_small").network.info.name == "vqfr_small"
    for name in (tiny_v1, "/etc/passwd", "vqfr_v2"):
        with pytest.raises(InputError, match="none of the models here"):
            keeper.open(name)
