"""The nodes, one idea a file."""

from comfy_api.latest import io

from .blend import BlendFaces
from .detect import DetectFaces
from .from_boxes import BoxesToFaces, FacesToBoxes
from .from_crops import FacesFromCrops
from .from_masks import FacesToMask, MaskToFaces
from .from_segs import FacesToSegs, SegsToFaces
from .load_model import LoadModel
from .restore import RestoreFaces
from .select import SelectFaces
from .simple import Restore
from .sweep import FidelitySweep

NODES: list[type[io.ComfyNode]] = [
    Restore,
    LoadModel,
    DetectFaces,
    SelectFaces,
    RestoreFaces,
    BlendFaces,
    FidelitySweep,
    FacesFromCrops,
    MaskToFaces,
    BoxesToFaces,
    SegsToFaces,
    FacesToMask,
    FacesToBoxes,
    FacesToSegs,
]
"""In the order of the menu."""
