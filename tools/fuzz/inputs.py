"""Small good inputs, made anew."""

import base64
import io
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, PngImagePlugin, features
from safetensors.torch import save

from vqfr_core.networks.vqfr import V2Config, VqfrV2
from vqfr_core.options import RestoreOptions, option_specs
from vqfr_core.pictures import Picture, PictureInfo, to_tensor, write_frames, write_picture
from vqfr_core.pictures.convert import pixels_from_array
from vqfr_core.pictures.exif import exif_from_tags
from vqfr_core.pictures.picture import Frame
from vqfr_core.pictures.xmp import mark_composite

from .mutate import mutate

_SIZE = (40, 32)
_PLAIN = {"BMP": "RGB", "TGA": "RGB", "PPM": "RGB", "JPEG2000": "RGB", "GIF": "P"}
_TIFFS = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg")
_TINY = V2Config((32,) * 6, encoder_blocks=1, decoder_blocks=1, num_codes=8, code_channels=32, condition_channels=4)


def pictures(folder: Path) -> list[bytes]:
    """Files of every format that is read, in several kinds."""
    made = [_saved("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    made += [_saved(name, mode) for name, mode in _PLAIN.items()]
    made += [_saved("JPEG", mode, **more) for mode in ("L", "RGB", "CMYK") for more in ({}, {"progressive": True})]
    made += [_saved("TIFF", mode, compression=kind) for kind in _TIFFS for mode in ("L", "RGB")]
    made += [_saved("TIFF", mode) for mode in ("1", "P", "CMYK", "F", "I;16", "RGBA")]
    made += [_saved("WEBP", "RGBA", lossless=lossless) for lossless in (True, False)]
    made += [_film(name) for name in ("GIF", "PNG", "WEBP", "TIFF")]
    if features.check("avif"):
        made += [_saved("AVIF", "RGB"), _film("AVIF")]
    return [*made, _told(), *_described(folder), *_deep(folder)]


def _picture(mode: str, number: int = 0) -> Image.Image:
    noise = np.random.default_rng(number).integers(0, 256, (_SIZE[1] // 4, _SIZE[0] // 4, 3), np.uint8)
    image = Image.fromarray(noise).resize(_SIZE)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    if mode == "F":
        return Image.fromarray(np.asarray(image.convert("L"), np.float32) / 255)
    return image.convert(mode)


def _saved(format: str, mode: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    _picture(mode).save(buffer, format, **settings)
    return buffer.getvalue()


def _film(format: str) -> bytes:
    buffer, frames = io.BytesIO(), [_picture("RGB", number) for number in range(3)]
    frames[0].save(buffer, format, save_all=True, append_images=frames[1:], duration=40)
    return buffer.getvalue()


def _told() -> bytes:
    """A PNG that says much about itself."""
    text, exif = PngImagePlugin.PngInfo(), Image.Exif()
    text.add_text("parameters", "a face, Steps: 20" * 20, zip=True)
    text.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf:RDF tiff:Orientation="6"></rdf:RDF></x:xmpmeta>')
    exif[0x0112], exif[0x010E] = 6, "a picture"
    buffer = io.BytesIO()
    _picture("RGB").save(buffer, "PNG", pnginfo=text, exif=exif, dpi=(300, 300), icc_profile=b"\0" * 200)
    return buffer.getvalue()


def _described(folder: Path) -> list[bytes]:
    """Files that say as much about themselves as their format allows, of two frames or pages where it has them."""
    exif = exif_from_tags({270: "a picture", 40091: b"t\0", 34665: {36867: "2020:01:01 00:00:00"}, 34853: {1: "N"}})
    made = []
    for suffix in (".jpg", ".webp", ".gif", ".tif", *([".avif"] if features.check("avif") else [])):
        frames = [
            Frame(to_tensor(_picture("RGB", number)), None, None if suffix == ".tif" else 40.0) for number in (0, 1)
        ]
        info = PictureInfo(
            exif=exif, xmp=mark_composite(None), iptc=b"\x1c\x02\x78\0\1a", dpi=(300, 200), text={"comment": "a"}
        )
        count = 1 if suffix == ".jpg" else 2
        write_frames(frames[:count], folder / f"described{suffix}", info, num_frames=count)
        made.append((folder / f"described{suffix}").read_bytes())
    return made


def _deep(folder: Path) -> list[bytes]:
    """16 and 32 bits a channel, which Pillow does not write."""
    made = []
    for suffix, depth in ((".png", 16), (".tif", 16), (".tif", 32)):
        array = np.random.default_rng(depth).random((_SIZE[1], _SIZE[0], 3), np.float32)
        image = pixels_from_array(array).image
        write_picture(Picture((Frame(image),), bit_depth=depth), folder / f"deep{suffix}")
        made.append((folder / f"deep{suffix}").read_bytes())
    return made


def weights() -> list[bytes]:
    """Files of a few tensors, in the three formats, and of a whole small network."""
    few = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.zeros(2, dtype=torch.float16)}
    made = [_by_torch(table, is_zip) for table in (few, {"params_ema": few}) for is_zip in (True, False)]
    return [*made * 2, save(few), save(few), save(VqfrV2(_TINY).state_dict())]


def _by_torch(table: dict[str, Any], is_zip: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(table, buffer, _use_new_zipfile_serialization=is_zip)
    return buffer.getvalue()


def mutate_weights(rng: random.Random, data: bytes) -> bytes:
    """Mostly what says where the numbers are. A zip gets a directory that fits, a header its length."""
    if data.startswith(b"PK") and rng.random() < 0.7:
        return _zip_again(rng, data)
    if data[8:9] == b"{" and rng.random() < 0.8:
        end = 8 + int.from_bytes(data[:8], "little")
        header = mutate(rng, data[8:end])
        return struct.pack("<Q", len(header)) + header + data[end:]
    return mutate(rng, data)


def _zip_again(rng: random.Random, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as target:
        for name in archive.namelist():
            content = archive.read(name)
            target.writestr(name, mutate(rng, content) if name.endswith("data.pkl") else content)
    return buffer.getvalue()


def bodies(files: list[bytes]) -> list[dict[str, Any]]:
    """Requests for the WebUI's routes."""
    options = {spec.name: spec.default for spec in option_specs()} | {"detector": "toy_detector"}
    small = {"detector": "toy_detector"}
    return [
        {"image": in_base64(file), "model": "toy_restorer", "options": chosen}
        for file in files
        for chosen in (small, options)
    ]


def infotexts() -> list[dict[str, str]]:
    """Entries of pictures that earlier generations made, as the WebUI's parser gives them."""
    every = RestoreOptions(select="0,2", fidelity=0.25, mask="crop", scale=2.0, batch_size=2, regions="skin,eyes")
    written = {f"VQFR {spec.name.replace('_', ' ')}": str(getattr(every, spec.name)) for spec in option_specs()}
    return [{"VQFR model": "auto", **written}, {"VQFR model": "vqfr_v2", "VQFR when": "before composite"}]


def in_base64(file: bytes) -> str:
    return base64.b64encode(file).decode()
