import pytest

from vqfr_core.errors import InputError
from vqfr_core.networks.face_regions import parse_regions


def test_regions_as_text_and_as_names() -> None:
    assert parse_regions(" Skin, nose ,") == ("skin", "nose")
    assert parse_regions(["hair"]) == ("hair",)
    with pytest.raises(InputError, match="moustache"):
        parse_regions("skin,moustache")
