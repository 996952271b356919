"""The networks this package knows: one row each. Recognition, menus and messages follow from it.

Importing this is cheap: what a row builds is imported when it is built.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsError
from ..extras import CODEFORMER_LICENCE
from ..later import later

if TYPE_CHECKING:
    from torch import Tensor

    from .base import Network

Build = Callable[[Mapping[str, "Tensor"]], "Network"]
"""Maps weights by name to a network of their sizes, without loading them."""


@dataclass(frozen=True)
class Architecture:
    """A network that can be recognised by its tensor names."""

    name: str
    """Short name."""
    role: str
    """What it is for: restorer, upscaler, detector, parser, or other."""
    label: str
    """Its name in messages."""
    key_patterns: tuple[str, ...]
    """Regular expressions; each must match the start of at least one name."""
    build: Build | None = None
    """Builds it; None if it is only recognised, so that messages can say what a file is."""
    knows_more: bool = False
    """Whether `build` also recognises networks that the patterns do not."""
    licence: str = ""
    """The network's own licence, if it limits what it may be used for."""


# The first match wins, so specific rows come before general ones.
ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture("lora", "other", "a LoRA", (r".*(lora_up|lora_down|lora_A|lora_B|lora_unet)\b",)),
    Architecture(
        "vqfr_v1",
        "restorer",
        "VQFR v1",
        (r"main_decoder\.align_func_dict\.",),
        later(__package__, "vqfr.restorer", "build_v1"),
    ),
    Architecture(
        "vqfr_v2", "restorer", "VQFR v2", (r"main_branch\.",), later(__package__, "vqfr.restorer", "build_v2")
    ),
    Architecture(
        "vqfr_v1_codebook",
        "other",
        "the codebook stage of VQFR v1 (a file for training)",
        (r"quantizer\.quantize_dict\.", r"decoder\.decoder_dict\."),
    ),
    Architecture(
        "vqfr_v2_codebook",
        "other",
        "the codebook stage of VQFR v2 (a file for training)",
        (r"quantizer\.embedding\.weight", r"decoder\.blocks\."),
    ),
    Architecture(
        "codeformer",
        "restorer",
        "CodeFormer",
        (r"(position_emb|fuse_convs_dict\.|idx_pred_layer\.)",),
        later(__package__, "by_spandrel", "build_codeformer"),
        licence=CODEFORMER_LICENCE,
    ),
    Architecture(
        "gfpgan",
        "restorer",
        "GFPGAN",
        ("(stylegan_decoder|condition_scale|final_linear)", "conv_body_"),
        later(__package__, "by_spandrel", "build_gfpgan"),
    ),
    Architecture("gpen", "restorer", "GPEN", (r"generator\.", r"ecd\d")),
    Architecture(
        "restoreformer",
        "restorer",
        "RestoreFormer",
        (r"(vqvae\.)?encoder\.mid\.attn_1\.norm1\.",),
        later(__package__, "by_spandrel", "build_restoreformer"),
    ),
    Architecture(
        "esrgan",
        "upscaler",
        "an ESRGAN upscaler",
        (r"(RRDB_trunk|body\.\d+\.rdb\d|model\.1\.sub\.\d+\.RDB)",),
        later(__package__, "upscalers", "build_upscaler"),
    ),
    Architecture(
        "upscaler",
        "upscaler",
        "an upscaler or cleaner",
        (
            # SwinIR, HAT, DAT and others; SPAN; PLKSR, MoSR, SAFMN; RealCUGAN; SCUNet, DRUNet, FBCNN; NAFNet; and so on
            r"(conv_first\.|block_1\.c1_r\.|(feats|gblocks)\.0\.|unet1\.conv1\.|m_head\.|(intro|in_to_dim|sft)\.weight"
            r"|residual_layer\.0\.|initial\.cnn\.|(body\.0\.){3}weight|input_proj\.proj\.|to_feat\.)",
        ),
        later(__package__, "upscalers", "build_upscaler"),
        knows_more=True,
    ),
    Architecture(
        "vqfr_discriminator",
        "other",
        "the discriminator of a training run",
        (r"(net_d\.|final_conv\.|discriminator\.)",),
    ),
    Architecture(
        "stable_diffusion",
        "other",
        "a Stable Diffusion (latent diffusion) checkpoint",
        (
            r"(model\.diffusion_model\.|first_stage_model\.|cond_stage_model\.|down_blocks\.\d+\.(resnets|attentions)\.)",
        ),
    ),
    Architecture("flux", "other", "a Flux diffusion model", (r"(double_blocks|single_blocks)\.\d",)),
    Architecture(
        "autoencoder",
        "other",
        "the autoencoder of a latent diffusion model",
        (r"encoder\.down\.\d+\.block\.", r"decoder\.up\."),
    ),
    Architecture(
        "retinaface_resnet50",
        "detector",
        "RetinaFace ResNet50",
        (r"ClassHead\.", r"body\.layer\d\."),
        later(__package__, "retinaface", "build_resnet50"),
    ),
    Architecture(
        "retinaface_mobile0.25",
        "detector",
        "RetinaFace mobile0.25",
        (r"ClassHead\.", r"body\.stage\d\."),
        later(__package__, "retinaface", "build_mobilenet"),
    ),
    Architecture(
        "parsenet",
        "parser",
        "ParseNet",
        (r"out_mask_conv\.", r"encoder\.\d+\."),
        later(__package__, "face_parsing", "build_parsenet"),
    ),
    Architecture(
        "bisenet", "parser", "BiSeNet", (r"cp\.resnet\.", r"ffm\."), later(__package__, "face_parsing", "build_bisenet")
    ),
    Architecture(
        "srvgg",
        "upscaler",
        "a Real-ESRGAN (compact) upscaler",
        (r"body\.0\.weight", r"body\.1\.weight"),
        later(__package__, "upscalers", "build_upscaler"),
    ),
)


def architectures(role: str | None = None) -> list[Architecture]:
    """The ones that can be built, of one role or of all."""
    return [row for row in ARCHITECTURES if row.build is not None and role in (None, row.role)]


def recognize(keys: Iterable[str]) -> Architecture | None:
    """The architecture whose tensors have these names, or None."""
    names = list(keys)
    for row in ARCHITECTURES:
        if all(any(map(re.compile(pattern).match, names)) for pattern in row.key_patterns):
            return row
    return None


def recognize_as(keys: Collection[str], wanted: Collection[Architecture], path: Path) -> Architecture:
    """Recognise a checkpoint as one of `wanted`, or raise a WeightsError that says what it seems to be."""
    is_one_role = len({row.role for row in wanted}) == 1
    general = next((row for row in wanted if row.knows_more and is_one_role), None)
    found = recognize(keys) or general
    if found is not None and found in wanted:
        return found
    *others, last = (row.label for row in ([general] if general else wanted))
    needed = f"{', '.join(others)} or {last}" if others else last
    if found is not None:
        raise WeightsError(f"{path} seems to be {found.label}; {needed} is needed here")
    shown = ", ".join(list(keys)[:4])
    raise WeightsError(f"{path} is not a known model ({len(keys)} tensors: {shown}, ...); {needed} is needed here")
