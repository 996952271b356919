"""VQFR, both generations (Gu et al., ECCV 2022, arXiv 2205.06803), built from a config and fed with tensors."""

from .config import V1Config, V2Config
from .network import Features, VqfrNetwork
from .v1 import VqfrV1
from .v2 import VqfrV2

__all__ = ["Features", "V1Config", "V2Config", "VqfrNetwork", "VqfrV1", "VqfrV2"]
