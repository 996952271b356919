"""Make the README's pictures of the extension in a running WebUI: python tools/make_webui_pictures.py http://127.0.0.1:7860

Needs playwright and Chromium (VQFR_CHROMIUM overrides /usr/bin/chromium), both only for this.
"""

import argparse
import io
import os
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
WIDTH_PX = 1000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def open_page(browser: Any, address: str) -> Page:
    """The WebUI's page when it is ready; external requests are blocked."""
    page: Page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.route("**/*", lambda route: route.continue_() if address in route.request.url else route.abort())
    page.goto(f"{address}/?__theme=light")
    page.wait_for_selector("#txt2img_generate", timeout=60_000)
    page.wait_for_timeout(3000)
    return page


def open_tab(page: Page, name: str) -> None:
    page.locator("#tabs > .tab-nav > button", has_text=name).first.click()
    page.wait_for_timeout(1000)


def save(page: Page, selector: str, name: str, height_px: int) -> None:
    """The top of a part of the page as docs/<name>.jpg."""
    page.mouse.move(0, 0)
    image = Image.open(io.BytesIO(page.locator(selector).first.screenshot())).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, height_px)))
    if image.width > WIDTH_PX:
        image = image.resize((WIDTH_PX, round(image.height * WIDTH_PX / image.width)), Image.Resampling.LANCZOS)
    path = ROOT / "docs" / f"{name}.jpg"
    image.save(path, quality=88)
    print(f"{path}: {image.width} x {image.height}, {path.stat().st_size // 1000} kB")


def picture_tab(page: Page, photo: Path) -> None:
    open_tab(page, "VQFR")
    page.locator("#tab_vqfr input[type=file]").first.set_input_files(photo)
    page.wait_for_timeout(5000)
    page.locator("#vqfr_tab_restore").click()
    page.locator("#tab_vqfr button", has_text="Send to img2img").wait_for(timeout=120_000)
    page.wait_for_timeout(3000)
    save(page, "#tab_vqfr", "webui_tab", 1050)


def picture_script(page: Page) -> None:
    open_tab(page, "xt2img")
    page.locator("#script_txt2img_vqfr_enabled .label-wrap").first.click()
    page.wait_for_timeout(1000)
    save(page, "#script_txt2img_vqfr_enabled", "webui_script", 1200)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address", help="of a running WebUI with this extension")
    parser.add_argument("--photo", type=Path, default=ROOT / "examples" / "portrait.jpg")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        path = os.environ.get("VQFR_CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = open_page(browser, arguments.address)
        picture_script(page)
        picture_tab(page, arguments.photo)
        browser.close()


if __name__ == "__main__":
    main()
