"""The networks. They know nothing of files or images: built from a config, fed with tensors."""

from ..precision import Network
from .config import V1Config, V2Config
from .v1 import VqfrV1
from .v2 import Features, VqfrV2

__all__ = ["Features", "Network", "V1Config", "V2Config", "VqfrV1", "VqfrV2"]
