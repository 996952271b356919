"""The page for people: one description of it, for a browser of its own and for a tab of a WebUI.

Whoever shows it hands a `PageHost` to `build_page` or `add_page` (see `build`). Gradio is imported where it is used;
what differs between its versions is in `gradio_compat` alone.
"""
