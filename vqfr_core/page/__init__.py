"""The web page: one description for standalone use and for a tab of a WebUI.

The embedding host passes a `PageHost` to `build_page` or `add_page` (see `build`). Gradio is imported where it is used;
differences between its versions are confined to `gradio_compat`.
"""
