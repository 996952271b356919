"""Make the README's picture of the page: python tools/make_page_picture.py (needs gradio, playwright and Chromium)"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from vqfr_core.page.build import build_page  # noqa: E402
from vqfr_core.page.gradio_compat import launch  # noqa: E402
from vqfr_core.page.standalone import RestorerKeeper, stand_alone  # noqa: E402
from vqfr_core.weights.store import WeightStore  # noqa: E402


def take_picture(address: str, photo: Path, target: Path) -> None:
    """Drop the photograph in, restore it, and take a screenshot of the page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        page.goto(address)
        page.locator("#vqfr_page_photo input[type=file]").set_input_files(str(photo))
        page.get_by_text("1 face found").wait_for()
        page.locator("#vqfr_page_restore").click()
        page.locator("#vqfr_page_said .vqfr-done").wait_for(timeout=120_000)
        page.locator("#vqfr_page_file a[href]").wait_for()
        page.mouse.move(5, 5)
        page.wait_for_timeout(1500)  # the tab slides in
        page.screenshot(path=str(target))
        chromium.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="auto", help="name or file of the weights (default: auto)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keeper = RestorerKeeper(arguments.model, store=WeightStore(download=False))
        blocks = build_page(stand_alone(keeper, Path(folder), may_name_folders=True), is_alone=True)
        shot = Path(folder) / "page.png"
        try:
            take_picture(launch(blocks, server_name="127.0.0.1"), ROOT / "examples" / "portrait.jpg", shot)
        finally:
            blocks.close(verbose=False)
        Image.open(shot).convert("RGB").save(ROOT / "docs" / "page.jpg", quality=88)


if __name__ == "__main__":
    main()
