"""Tell from the names of its tensors what a checkpoint is."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError

RESTORERS = ("vqfr_v1", "vqfr_v2")
DETECTORS = ("retinaface_resnet50", "retinaface_mobile0.25")
PARSERS = ("parsenet", "bisenet")


@dataclass(frozen=True)
class Architecture:
    """A network that can be told by the names of its tensors."""

    kind: str
    """Short name; those this package can build are in RESTORERS, DETECTORS and PARSERS."""
    label: str
    """What a message calls it."""
    patterns: tuple[str, ...]
    """Regular expressions; each must be found in at least one name, matched from its start."""


# The first that fits is taken, so the special ones stand before the general ones.
ARCHITECTURES = (
    Architecture("lora", "a LoRA", (r".*(lora_up|lora_down|lora_A|lora_B|lora_unet)\b",)),
    Architecture("vqfr_v1", "VQFR v1", (r"main_decoder\.align_func_dict\.",)),
    Architecture("vqfr_v2", "VQFR v2", (r"main_branch\.",)),
    Architecture(
        "vqfr_v1_codebook",
        "the codebook stage of VQFR v1 (a file for training)",
        (r"quantizer\.quantize_dict\.", r"decoder\.decoder_dict\."),
    ),
    Architecture(
        "vqfr_v2_codebook",
        "the codebook stage of VQFR v2 (a file for training)",
        (r"quantizer\.embedding\.weight", r"decoder\.blocks\."),
    ),
    Architecture("codeformer", "CodeFormer", (r"(position_emb|fuse_convs_dict\.|idx_pred_layer\.)",)),
    Architecture("gfpgan", "GFPGAN", (r"(stylegan_decoder|condition_scale|final_linear)", r"conv_body_")),
    Architecture("gpen", "GPEN", (r"generator\.", r"ecd\d")),
    Architecture("restoreformer", "RestoreFormer", (r"(vqvae\.)?encoder\.mid\.attn_1\.norm1\.",)),
    Architecture(
        "vqfr_discriminator", "the discriminator of a training run", (r"(net_d\.|final_conv\.|discriminator\.)",)
    ),
    Architecture(
        "stable_diffusion",
        "a Stable Diffusion (latent diffusion) checkpoint",
        (
            r"(model\.diffusion_model\.|first_stage_model\.|cond_stage_model\.|down_blocks\.\d+\.(resnets|attentions)\.)",
        ),
    ),
    Architecture("flux", "a Flux diffusion model", (r"(double_blocks|single_blocks)\.\d",)),
    Architecture(
        "autoencoder", "the autoencoder of a latent diffusion model", (r"encoder\.down\.\d+\.block\.", r"decoder\.up\.")
    ),
    Architecture("esrgan", "an ESRGAN upscaler", (r"(RRDB_trunk|body\.\d+\.rdb\d|model\.1\.sub\.\d+\.RDB)",)),
    Architecture("retinaface_resnet50", "RetinaFace ResNet50", (r"ClassHead\.", r"body\.layer\d\.")),
    Architecture("retinaface_mobile0.25", "RetinaFace mobile0.25", (r"ClassHead\.", r"body\.stage\d\.")),
    Architecture("parsenet", "ParseNet", (r"out_mask_conv\.", r"encoder\.\d+\.")),
    Architecture("bisenet", "BiSeNet", (r"cp\.resnet\.", r"ffm\.")),
    Architecture("srvgg", "a Real-ESRGAN (compact) upscaler", (r"body\.0\.weight", r"body\.1\.weight")),
)


def recognize(keys: Iterable[str]) -> Architecture | None:
    """The architecture whose tensors have these names, None if none is known to."""
    names = list(keys)
    for architecture in ARCHITECTURES:
        if all(any(map(re.compile(pattern).match, names)) for pattern in architecture.patterns):
            return architecture
    return None


def recognize_as(keys: Collection[str], wanted: Collection[str], path: Path) -> str:
    """The kind of a checkpoint, which must be one of `wanted`; else a WeightsError that says what it seems to be."""
    found = recognize(keys)
    if found is not None and found.kind in wanted:
        return found.kind
    needed = " or ".join(a.label for a in ARCHITECTURES if a.kind in wanted)
    if found is not None:
        raise WeightsError(f"{path} seems to be {found.label}; {needed} is needed here")
    shown = ", ".join(list(keys)[:4])
    raise WeightsError(f"{path} is no model known here ({len(keys)} tensors: {shown}, ...); {needed} is needed here")
