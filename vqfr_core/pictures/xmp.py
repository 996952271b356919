"""XMP packets (ISO 16684-1) of picture files: what they say about the pixels' place follows the pixels.

Packets are edited as text, not parsed and written anew: what other programs put there stays byte for byte.
"""

import json
import re
from collections.abc import Callable

from .losses import tell_loss

JPEG_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
"""What a JPEG has before a packet."""
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""The IPTC's term for a picture of which a trained model made a part (IPTC Photo Metadata 2023.2)."""

_MOST_BYTES = 1 << 22
_DIGITAL_SOURCE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
).encode()

_END = re.compile(rb"</([\w.-]+:|)RDF\s*>")
"""Of the statements; group 1 is the prefix that the packet uses."""


def in_utf8(packet: bytes) -> bytes:
    """The packet in UTF-8, as most are; others are in UTF-16 or UTF-32. Nothing for one of more than 4 MB, told."""
    if len(packet) > _MOST_BYTES:
        tell_loss(f"the XMP packet of {len(packet):,} bytes was left out")
        return b""
    encoding = json.detect_encoding(packet)  # JSON and XML both begin with ASCII
    if encoding.startswith("utf-8"):
        return packet
    return _DECLARED.sub(b"", packet.decode(encoding, errors="replace").encode())


_DECLARED = re.compile(rb"^<\?xml[^<>]*>\s*")
"""States the encoding; without it, it is UTF-8."""


def orientation_of(xmp: bytes) -> int | None:
    """The orientation (1 to 8, as EXIF numbers them) that a packet states; None if it states none."""
    found = _property(rb"tiff:Orientation", rb"[1-8]").search(xmp)
    return int(found[2]) if found else None


def turn_upright(xmp: bytes, orientation: int) -> bytes:
    """The packet of a picture whose pixels were turned upright: normal orientation, face regions turned with them."""
    xmp = _property(rb"tiff:Orientation", rb"[0-9]+").sub(rb"\g<1>1", xmp)
    return xmp if orientation == 1 else _AREA.sub(lambda area: _turned(area[0], orientation), xmp)


def resize(xmp: bytes, width: int, height: int) -> bytes:
    """The packet of a picture of this size in pixels. Regions are relative to it and stay."""
    for names, value in (
        (rb"tiff:ImageWidth|exif:PixelXDimension|stDim:w", width),
        (rb"tiff:ImageLength|exif:PixelYDimension|stDim:h", height),
    ):
        xmp = _property(names, rb"[0-9.]+").sub(rb"\g<1>%d" % value, xmp)
    return xmp


def carried(xmp: bytes, orientation: int) -> bytes | None:
    """What a packet in UTF-8 still says of the upright picture alone; None for an empty one."""
    return without_companions(turn_upright(xmp, orientation)) or None


def without_companions(xmp: bytes) -> bytes:
    """The packet without statements of what else the file had: a gain map (HDR), depth map, film or second packet."""
    return _COMPANIONS.sub(b"", xmp)


def has_gain_map(xmp: bytes) -> bool:
    return b"hdrgm:Version" in xmp or b"HDRGainMap" in xmp


_COMPANION = (
    rb"(?:hdrgm|HDRGainMap|GDepth|GImage):\w+|GCamera:(?:MotionPhoto|MicroVideo)\w*|\w*Container:Directory"
    rb"|xmpNote:HasExtendedXMP"
)
_COMPANIONS = re.compile(
    rb"""\s(?:%b)=(?:"[^"]*"|'[^']*')|<(%b)(?=[\s/>])[^<>]*(?:(?<=/)>|(?<!/)>[^<]*(?:<(?!/?\1)[^<]*){0,40}</\1\s*>)"""
    % (_COMPANION, _COMPANION)
)


def mark_composite(xmp: bytes | None) -> bytes | None:
    """The packet, or a new one, with the digital source type `COMPOSITE`; None if it is not one in UTF-8."""
    given = xmp or _EMPTY
    ends = list(_END.finditer(given))
    if not ends:
        return None
    known = _property(rb"\w+:DigitalSourceType", rb"[^\"'<]*")
    if known.search(given):
        return known.sub(rb"\g<1>" + COMPOSITE.encode(), given)
    rdf = ends[-1][1].decode()
    statement = f'<{rdf}Description {rdf}about="" xmlns:Iptc4xmpExt="{_DIGITAL_SOURCE}">'
    statement += f"<Iptc4xmpExt:DigitalSourceType>{COMPOSITE}</Iptc4xmpExt:DigitalSourceType></{rdf}Description>"
    return given[: ends[-1].start()] + statement.encode() + given[ends[-1].start() :]


def _property(names: bytes, value: bytes) -> re.Pattern[bytes]:
    """Matches a property as attribute or element, group 1 up to the value, group 2 the value."""
    return re.compile(rb"""((?<![/\w:])(?:%b)(?:\s*=\s*["']|\s*>\s*))(%b)""" % (names, value))


_AREA = re.compile(rb"<[^<>]*>(?:\s*<stArea:[^<>]*>[^<>]*</stArea:[^<>]*>)*")
"""What may be a region's area (Metadata Working Group 2.0): centre and size as parts of the stored picture, in the
attributes of an element or in the elements that follow it."""


def _turned(area: bytes, orientation: int) -> bytes:
    number = rb"-?[0-9.eE+-]+"
    patterns = {name: _property(rb"stArea:%b" % name, number) for name in (b"x", b"y", b"w", b"h")}
    found = {name: pattern.search(area) for name, pattern in patterns.items()}
    values = {name: float(match[2]) for name, match in found.items() if match}
    if len(values) < 4:
        return area
    x, y = _POINTS[orientation](values[b"x"], values[b"y"])
    w, h = values[b"w"], values[b"h"]
    if orientation >= 5:
        w, h = h, w
    for name, value in ((b"x", x), (b"y", y), (b"w", w), (b"h", h)):
        area = patterns[name].sub(rb"\g<1>" + f"{value:.6g}".encode(), area)
    return area


_POINTS: dict[int, Callable[[float, float], tuple[float, float]]] = {
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}
"""Where a point of the stored picture, as parts of its sides, is when it is upright."""
