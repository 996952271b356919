"""Files made byte by byte."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" tiff:Orientation="6" tiff:ImageWidth="48" dc:title="a title">'
    b'<mwg-rs:Area stArea:x="0.25" stArea:y="0.1" stArea:w="0.2" stArea:h="0.4" stArea:unit="normalized"/>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
UPRIGHT = XMP.replace(b'Orientation="6"', b'Orientation="1"')
IPTC = b"\x1c\x02\x78\x00\x09a caption"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(height: int = 32, width: int = 48) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def exif(orientation: int) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(array: np.ndarray, before: bytes = b"", behind: bytes = b"", **options: object) -> bytes:
    """A PNG with chunks before and behind its pixels."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", **options)
    data = buffer.getvalue()
    return data[:33] + before + data[33:-12] + behind + data[-12:]


def jpeg(segments: bytes = b"", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise()).save(buffer, "JPEG", quality=95, extra=segments, **options)
    return buffer.getvalue()


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


XMP_SEGMENT = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
