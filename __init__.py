"""ComfyUI loads this folder as a node pack; everything else imports `vqfr_core`."""

import sys

if "folder_paths" in sys.modules:  # only inside ComfyUI; pytest and linters import this file, too
    from .nodes import comfy_entrypoint

    WEB_DIRECTORY = "./nodes/web"
    __all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
