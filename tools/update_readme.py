"""Write the table of options into the README from `vqfr_core/options.py`: python tools/update_readme.py"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from vqfr_core.options import OptionSpec, option_specs  # noqa: E402


def allowed_values(spec: OptionSpec) -> str:
    if spec.choices:
        return ", ".join(spec.choices)
    if isinstance(spec.default, bool):
        return "on, off"
    if spec.minimum is not None:
        return f"{spec.minimum:g} to {spec.maximum:g}"
    return "text"


def flag(spec: OptionSpec) -> str:
    return "--fidelity auto" if spec.name == "auto_fidelity" else f"--{spec.name.replace('_', '-')}"


def options_table() -> str:
    """All settings as a Markdown table."""
    rows = ["| option | default | values | what it does |", "| --- | --- | --- | --- |"]
    for spec in option_specs():
        default = {True: "on", False: "off"}[spec.default] if isinstance(spec.default, bool) else f"{spec.default}"
        rows.append(f"| `{flag(spec)}` | {default} | {allowed_values(spec)} | {spec.help} |")
    return "\n".join(rows)


def with_options(readme: str) -> str:
    """The README's text with an updated table between its markers."""
    table = f"<!-- options -->\n{options_table()}\n<!-- /options -->"
    return re.sub("<!-- options -->.*<!-- /options -->", lambda _: table, readme, flags=re.DOTALL)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(with_options(path.read_text(encoding="utf-8")), encoding="utf-8")
