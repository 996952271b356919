import json
from pathlib import Path

import pytest

from vqfr_core.errors import WeightsError
from vqfr_core.networks import registry
from vqfr_core.networks.registry import Architecture, architectures, recognize, recognize_as

PATH = Path("x.pth")
OTHERS = {
    "gfpgan": ["conv_body_first.weight", "stylegan_decoder.style_conv1.bias", "condition_scale.0.0.weight"],
    "codeformer": ["position_emb", "feat_emb.weight", "quantize.embedding.weight", "fuse_convs_dict.32.scale.0.weight"],
    "restoreformer": ["encoder.mid.attn_1.norm1.weight", "quantize.embedding.weight", "encoder.down.0.block.0.q"],
    "gpen": ["generator.style.1.weight", "ecd0.0.weight", "final_linear.0.weight"],
    "stable_diffusion": ["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight"],
    "autoencoder": ["encoder.down.0.block.0.norm1.weight", "decoder.up.0.block.0.norm1.weight", "quant_conv.weight"],
    "flux": ["double_blocks.0.img_attn.qkv.weight"],
    "esrgan": ["conv_first.weight", "body.0.rdb1.conv1.weight"],
    "srvgg": ["body.0.weight", "body.0.bias", "body.1.weight"],
    "lora": ["lora_unet_down_blocks_0.lora_up.weight"],
    "vqfr_v1_codebook": ["encoder.conv_in.weight", "decoder.decoder_dict.Level_1.0.conv1.weight",
                         "quantizer.quantize_dict.Level_32.embedding.weight"],
    "vqfr_v2_codebook": ["decoder.blocks.0.0.conv1.weight", "quantizer.embedding.weight"],
    "parsenet": ["encoder.0.conv2d.weight", "out_mask_conv.conv2d.weight"],
    "bisenet": ["cp.resnet.conv1.weight", "ffm.convblk.conv.weight"],
    "retinaface_resnet50": ["body.layer1.0.conv1.weight", "ClassHead.0.conv1x1.weight"],
    "retinaface_mobile0.25": ["body.stage1.0.0.weight", "ClassHead.0.conv1x1.weight"],
}  # fmt: skip


@pytest.mark.parametrize("generation", [1, 2])
def test_published_keys(reference_dir, generation):
    keys = json.loads((reference_dir / f"vqfr_v{generation}.keys.json").read_text())["keys"]
    found = recognize_as([entry["key"] for entry in keys], architectures("restorer"), PATH)
    assert (found.name, found.role) == (f"vqfr_v{generation}", "restorer")


@pytest.mark.parametrize("kind", OTHERS)
def test_other_models_are_named(kind):
    found = recognize(OTHERS[kind])
    assert found is not None and found.name == kind
    if found.build is not None and found.role == "restorer":
        return
    with pytest.raises(WeightsError, match="needed here") as failure:
        recognize_as(OTHERS[kind], architectures("restorer"), PATH)
    assert found.label in str(failure.value) and "VQFR v1, VQFR v2" in str(failure.value)


def test_unknown_model_shows_some_names():
    assert recognize(["spam", "eggs"]) is None
    with pytest.raises(WeightsError, match="2 tensors: spam, eggs"):
        recognize_as(["spam", "eggs"], architectures("restorer"), PATH)


def test_roles_are_of_what_can_be_built(monkeypatch):
    assert [row.name for row in architectures("restorer")] == [
        "vqfr_v1",
        "vqfr_v2",
        "codeformer",
        "gfpgan",
        "restoreformer",
    ]
    assert [row.name for row in architectures("detector")] == ["retinaface_resnet50", "retinaface_mobile0.25"]
    assert [row.name for row in architectures("parser")] == ["parsenet", "bisenet"]
    toy = Architecture("toy", "parser", "a toy", ("toy",), lambda state: None)
    monkeypatch.setattr(registry, "ARCHITECTURES", (*registry.ARCHITECTURES, toy))
    assert architectures("parser")[-1] is toy and recognize(["toy.weight"]) is toy
    assert [row.name for row in architectures("upscaler")] == ["esrgan", "upscaler", "srvgg"]
    assert len(architectures()) == 13


def test_names_are_used_once():
    assert len({row.name for row in registry.ARCHITECTURES}) == len(registry.ARCHITECTURES)
