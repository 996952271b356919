"""VQFR in AUTOMATIC1111's WebUI and Forge. Built on `vqfr_core`; nothing here is needed elsewhere.

`scripts/vqfr_webui.py` loads this folder by path under the name `vqfr_webui`, so that neither `web` nor any other
common name must be importable. `host` is the only module that calls the WebUI's device, memory, folder, settings and
state functions, `convert` the only one that handles its image types. What needs PyTorch is imported at first use.
"""
