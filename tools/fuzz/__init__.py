"""Broken and hostile inputs by the thousand, made from good ones: `python -m tools.fuzz`."""
