"""VQFR in AUTOMATIC1111's WebUI and in Forge. Stands on `vqfr_core`; nothing here is needed elsewhere.

`scripts/vqfr_webui.py` loads this folder by its path under the name `vqfr_webui`, so that neither `web` nor any other
common name has to be importable. `host` is the only module that calls the WebUI's device, memory, folder, settings and
state functions, `convert` the only one that knows its kinds of images. What needs PyTorch is imported at first use.
"""
