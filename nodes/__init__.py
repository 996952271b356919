"""The ComfyUI node pack. Each node is a schema and a few lines in `graph/`; the work is done by `vqfr_core`."""

from comfy_api.latest import ComfyExtension, io

from . import host
from .graph import NODES


class VqfrExtension(ComfyExtension):
    """What ComfyUI asks for the nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES


async def comfy_entrypoint() -> VqfrExtension:
    """Called once by ComfyUI when it loads the pack."""
    host.register_folders()
    return VqfrExtension()
