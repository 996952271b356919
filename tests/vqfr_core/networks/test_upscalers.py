"""Other projects' upscalers with random weights against their networks' own calls."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from stand_ins.restorers import save
from stand_ins.upscalers import SIZES, spandrel_network
from vqfr_core.errors import WeightsError
from vqfr_core.networks import by_spandrel
from vqfr_core.networks.upscalers import Upscaler
from vqfr_core.pipeline.enlarging.enlarger import Enlarger
from vqfr_core.pipeline.enlarging.reach import measure_reach
from vqfr_core.weights.convert import verify_weights
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore

pytest.importorskip("spandrel")

CONVOLUTIONS = ["Compact", "ESRGAN"]  # SPAN of random weights gives black and white only
REAL_ESRGAN = {
    "model.0": "conv_first",
    "model.1.sub.1": "conv_body",
    "model.3": "conv_up1",
    "model.6": "conv_up2",
    "model.8": "conv_hr",
    "model.10": "conv_last",
}
"""The first ESRGAN's names of its layers outside the blocks, and the later ones."""


def opened(path: Path, **asked: Any) -> Upscaler:
    return WeightStore(lambda: Folders(path.parent)).open("upscaler", str(path), "cpu", **asked)


def refusal(state: dict[str, Tensor], path: Path) -> str:
    torch.save(state, path)
    with pytest.raises(WeightsError) as failure:
        opened(path)
    return str(failure.value)


@pytest.mark.parametrize("name", SIZES)
def test_a_file_gives_what_its_network_gives(name: str, tmp_path: Path):
    network = spandrel_network(name)
    path, before = save(network, tmp_path / "mine.pth"), torch.get_rng_state()
    upscaler = opened(path)
    assert torch.equal(before, torch.get_rng_state())
    picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        answer, own = upscaler.run(picture), network(picture).clamp(0, 1)
    assert torch.equal(answer, own) and upscaler.scale == answer.shape[-1] // 64
    assert upscaler.describe()["name"] == "mine" and name in upscaler.title
    assert not any(part.requires_grad or part.is_meta for part in upscaler.module.state_dict().values())


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_tiles_equal_one_piece(name: str, tmp_path: Path, group: Tensor):
    upscaler = opened(save(spandrel_network(name), tmp_path / "mine.pth"))
    picture = group[:, 100:165, 150:290]
    size = (65 * upscaler.scale, 140 * upscaler.scale)
    whole = Enlarger(upscaler)(picture, size)
    upscaler.tile_px = 128
    tiled = Enlarger(upscaler)(picture, size)
    assert upscaler.reach_px == measure_reach(upscaler) < 48
    assert (tiled - whole).abs().max() < 1 / 255 < whole.std()


def test_the_names_that_real_esrgan_gives(tmp_path: Path):
    """Spandrel brings them into the form of the first ESRGAN, so the file and the network differ in them."""
    network = spandrel_network("ESRGAN")
    published = {re.sub(r"model\.1\.sub\.(\d)\.RDB(\d)\.conv(\d)\.0", r"body.\1.rdb\2.conv\3", name): part
                 for name, part in network.state_dict().items()}  # fmt: skip
    for old, new in REAL_ESRGAN.items():
        published |= {f"{new}.{kind}": published.pop(f"{old}.{kind}") for kind in ("weight", "bias")}
    torch.save({"params_ema": published}, tmp_path / "RealESRGAN_x4plus.pth")
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(opened(tmp_path / "RealESRGAN_x4plus.pth").run(picture), network(picture).clamp(0, 1))


def test_half_precision_where_the_network_can(tmp_path: Path):
    gpu = torch.device("cuda")
    compact = opened(save(spandrel_network("Compact"), tmp_path / "compact.pth"), precision="fp16", for_device=gpu)
    assert compact.precision == "fp16" and compact.precision_note() is None
    swinir = opened(save(spandrel_network("SwinIR"), tmp_path / "swin.pth"), precision="fp16", for_device=gpu)
    assert swinir.precision_note() == "swin (SwinIR) cannot work in fp16: fp32 was used"


def test_files_that_are_no_upscalers(tmp_path: Path):
    path = tmp_path / "x.pth"
    gfpgan = {name: torch.zeros(1) for name in ("stylegan_decoder.a", "conv_body_first")}
    assert refusal(gfpgan, path) == f"{path} seems to be GFPGAN; an upscaler or cleaner is needed here"
    assert "this is no upscaler that spandrel" in refusal({"spam": torch.zeros(1), "eggs": torch.zeros(1)}, path)
    assert "larger than an upscaler's: (40000,)" in refusal({"conv_first.bias": torch.zeros(40_000)}, path)
    grey = spandrel_network("Compact", num_in_ch=1, num_out_ch=1, num_feat=8, num_conv=2, upscale=2).state_dict()
    assert "takes and gives (1, 1) channels; one for colour pictures (3, 3) is needed" in refusal(grey, path)
    torn = spandrel_network("Compact").state_dict()
    torn["body.2.weight"] = torch.zeros(8, 4, 3, 3)
    assert "tensors of these shapes do not make a Real-ESRGAN (compact) upscaler" in refusal(torn, path)


def test_an_upscaler_is_no_restorer(tmp_path: Path):
    path = save(spandrel_network("ESRGAN"), tmp_path / "4x.pth")
    store = WeightStore(lambda: Folders(tmp_path))
    with pytest.raises(WeightsError, match=r"4x.pth seems to be an ESRGAN upscaler; VQFR v1, VQFR v2,"):
        store.open("restorer", str(path), "cpu")
    assert [choice.text for choice in store.files("upscaler")] == ["4x.pth (an ESRGAN upscaler)"]
    assert not store.files("restorer")
    facts = verify_weights(path)
    assert (facts.architecture, facts.sizes) == ("esrgan", {"scale": 4})


def test_missing_spandrel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = save(spandrel_network("Compact"), tmp_path / "x.pth")

    def refuse(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(by_spandrel, "import_module", refuse)
    with pytest.raises(WeightsError, match=r"an upscaler needs the package spandrel .*pip install spandrel\)$"):
        opened(path)
