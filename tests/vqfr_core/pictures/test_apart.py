"""Files read in another process, which may fail in its own ways. Starting one takes seconds: one serves most tests."""

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.errors import Cancelled, InputError
from vqfr_core.pictures import read_picture
from vqfr_core.pictures.apart import Readers
from vqfr_core.pictures.losses import collect_losses

LIMIT = 10**8


def never() -> bool:
    return False


@pytest.fixture
def gif(tmp_path):
    path = tmp_path / "film.gif"
    frames = [Image.effect_noise((40, 30), 50).convert("P") for _ in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[10, 20, 30])
    return path


@pytest.mark.slow
def test_the_same_comes_from_another_process(gif, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    lossy = tmp_path / "lossy.jpg"
    Image.new("RGB", (9, 9)).save(lossy, exif=b"Exif\0\0II*\0")
    bomb = tmp_path / "bomb.png"
    Image.new("L", (9000, 9000)).save(bomb)
    with Readers(most_bytes=900 << 20) as readers:
        for _ in range(2):
            with pytest.raises(InputError, match=r"bad\.png: not a picture"):
                readers.open(bad, LIMIT, never)
            with pytest.raises(InputError, match="million pixels"):
                readers.open(gif, 100, never)
            with collect_losses() as losses, readers.open(lossy, LIMIT, never):
                assert [loss.text for loss in losses] == ["the EXIF block is damaged and was left out"]
            with readers.open(gif, LIMIT, never) as file:
                frames, again = list(file.frames()), file.frame(0)
            here = read_picture(gif)
            assert (file.num_frames, file.size, file.has_alpha) == (3, (30, 40), False)
            assert file.info.source_format == "GIF" and [frame.duration_ms for frame in frames] == [10, 20, 30]
            for frame, expected in zip([*frames, again], [*here.frames, here.frames[0]], strict=True):
                assert torch.equal(frame.image, expected.image) and np.array_equal(frame.colors, expected.colors)
            with readers.open(bomb, LIMIT, never) as file, pytest.raises(InputError, match=r"bomb\.png: .*memory"):
                file.frame(0)
        (reader,) = readers._resting
        assert reader._process.is_alive()
    assert not reader._process.is_alive()


def test_it_ends_when_it_should(gif):
    readers = Readers(most_seconds=0.01)
    with pytest.raises(InputError, match=r"film\.gif: decoding took more than 0\.01 s"):
        readers.open(gif, LIMIT, never)
    with pytest.raises(Cancelled):
        Readers().open(gif, LIMIT, lambda: True)
    assert readers._resting == []


def test_a_broken_decoder_is_told_of(gif, monkeypatch):
    readers = Readers()
    reader = readers.take()
    reader._process.kill()
    readers.give_back(reader)
    with pytest.raises(InputError, match=r"film\.gif: its decoder broke down"):
        readers.open(gif, LIMIT, never)
    assert readers._resting == []
