"""The page standing alone, in a real headless browser: what people do with it, and that two of them keep apart."""

import functools
import io
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vqfr_core import FaceRestorer, RestoreOptions, to_array, to_tensor
from vqfr_core.page.standalone import RestorerKeeper, stand_alone
from vqfr_core.weights.store import WeightStore

pytestmark = pytest.mark.slow

pytest.importorskip("gradio", reason="the page needs gradio (pip install gradio)")
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="driving a browser needs playwright (pip install playwright)"
)
CHROMIUM = os.environ.get("VQFR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
if not CHROMIUM:
    pytest.skip("no Chromium here (apt-get install chromium, or name one in VQFR_CHROMIUM)", allow_module_level=True)

_SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
_PATIENCE_MS = 60_000


class Visitor:
    """Somebody in a browser tab of their own."""

    def __init__(self, browser, address: str, locale: str = "en-US") -> None:
        self.context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale=locale)
        self.context.set_default_timeout(_PATIENCE_MS)
        self.page = self.context.new_page()
        self.asked_outside: list[str] = []
        self._own = address.partition("?")[0]
        self.page.on("request", lambda request: self._note(request.url))
        self.page.goto(address)
        self.find("restore").wait_for()

    def _note(self, url: str) -> None:
        if not url.startswith((self._own, "data:", "blob:")):
            self.asked_outside.append(url)

    def find(self, name: str, inside: str = ""):
        """The part of the page of that name."""
        return self.page.locator(f"#vqfr_page_{name} {inside}".strip()).first

    def drop(self, path: Path, into: str = "photo") -> None:
        self.find(into, "input[type=file]").set_input_files(str(path))

    def wait_for(self, text: str) -> None:
        self.find("said").get_by_text(text).wait_for()

    def open_view(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def restore(self) -> np.ndarray:
        """Press the button; the result as it can be downloaded."""
        self.find("restore").click()
        self.find("said", ".vqfr-done").wait_for()
        return self.saved()

    def fetch(self, name: str) -> bytes:
        """What a list of files offers first."""
        link = self.find(name, "a[href]")
        link.wait_for(state="attached")
        return self.page.request.get(link.get_attribute("href")).body()

    def saved(self) -> np.ndarray:
        """The result to download."""
        return np.asarray(Image.open(io.BytesIO(self.fetch("file"))))

    def fidelity(self, value: float) -> None:
        field = self.find("fidelity", "input[type=number]")
        field.fill(str(value))
        field.press("Enter")

    def shown(self, view: str = "comparison") -> list[str]:
        """Addresses of the pictures in a view."""
        images = self.page.locator(f"#vqfr_page_{view} img")
        images.first.wait_for()
        return [image.get_attribute("src") for image in images.all()]

    def wait_for_another(self, before: list[str], view: str = "comparison") -> list[str]:
        """Until a view shows other pictures."""
        self.wait_until(lambda: self.shown(view) != before, f"{view} shows something else")
        return self.shown(view)

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        for _ in range(_PATIENCE_MS // 100):
            if is_so():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"waited in vain until {what}")


@pytest.fixture(scope="module")
def keeper(tiny_v2: str) -> RestorerKeeper:
    return RestorerKeeper(tiny_v2, "cpu", WeightStore(download=False))


@pytest.fixture(scope="module")
def address(keeper: RestorerKeeper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from vqfr_core.page.access import Access
    from vqfr_core.page.build import build_page
    from vqfr_core.page.gradio_compat import launch

    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("VQFR_MODEL_DIR", str(folder / "models"))
        blocks = build_page(stand_alone(keeper, folder / "temp", may_name_folders=True), is_alone=True)
        yield launch(blocks, Access(), server_name="127.0.0.1")
        blocks.close(verbose=False)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """visit(locale): a visitor, who leaves after the test and has asked nobody else for anything."""
    visitors: list[Visitor] = []

    def visit(locale: str = "en-US") -> Visitor:
        visitors.append(Visitor(browser, address, locale))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        assert visitor.asked_outside == []
        visitor.context.close()


@pytest.fixture
def photo(portrait, tmp_path) -> Path:
    path = tmp_path / "portrait.png"
    portrait.save(path)
    return path


@pytest.fixture(scope="module")
def expect(tiny_v2: str, portrait: Image.Image) -> Callable[..., np.ndarray]:
    """expect(is_flipped, fidelity): what the core makes of the portrait, or of its mirror image."""
    restorer = FaceRestorer(tiny_v2, device="cpu")

    @functools.cache
    def make(is_flipped: bool = False, fidelity: float = 0.5) -> np.ndarray:
        image = to_tensor(portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if is_flipped else portrait)
        return to_array(restorer.restore(image, RestoreOptions(fidelity=fidelity)).image)

    return make


def test_restore_compare_and_change_the_fidelity(visit, photo, expect, keeper):
    visitor = visit()
    visitor.drop(photo)
    assert np.array_equal(visitor.restore(), expect()), "pressed early, it waits for the photograph"
    assert visitor.page.locator(".vqfr-thumbnail").is_visible()
    before = visitor.shown()
    assert len(before) >= 2 and visitor.find("comparison").is_visible()

    visitor.page.get_by_label("Larger").click()
    zoomed = "getComputedStyle(document.querySelector('#vqfr_page_comparison img')).transform"
    place = visitor.page.evaluate(zoomed)
    assert place.startswith("matrix(1.5,")
    seen: list[int] = []
    hook = keeper.open().network.encoder.register_forward_hook(lambda *_: seen.append(1))
    visitor.fidelity(0.9)
    after = visitor.wait_for_another(before)
    hook.remove()
    assert not seen, "the network must not look at the face again"
    assert after[0] == before[0] and after[1] != before[1], "the photograph stays, the result changes"
    assert visitor.page.evaluate(zoomed) == place, "it stays where somebody looks"
    visitor.wait_until(lambda: np.array_equal(visitor.saved(), expect(fidelity=0.9)), "the file follows the picture")

    visitor.find("mask", "input").click()
    visitor.page.get_by_role("option", name="crop", exact=True).click()
    visitor.wait_for_another(after)

    visitor.open_view("Compare")
    visitor.find("sweep").click()
    sheet = visitor.shown("sweep_sheet")
    assert len(sheet) == 1
    for name in ("auto", "tiny_v2.safetensors"):
        visitor.find("models", "input").click()
        visitor.page.get_by_role("option", name=name, exact=True).click()
    visitor.page.keyboard.press("Escape")
    visitor.find("compare").click()
    visitor.wait_for_another(sheet, "sweep_sheet")
    visitor.wait_for("The faces by several models.")
    visitor.open_view("Report")
    visitor.find("report").get_by_text("1 of 1 face restored").wait_for()


def test_a_click_in_the_drawing_leaves_a_face_out(visit, photo):
    visitor = visit()
    visitor.drop(photo)
    visitor.wait_for("1 face found")
    visitor.restore()
    visitor.open_view("Faces")
    drawing = visitor.find("drawing", "img")
    drawing.click()  # into the middle, where the face is
    visitor.wait_for("0 of 1 face restored")
    assert visitor.find("select", "input, textarea").input_value() == "none"
    visitor.wait_until(lambda: visitor.fetch("file") == photo.read_bytes(), "the file follows the picture")
    drawing.click(position={"x": 5, "y": 5})
    visitor.wait_for("No face was found here")


_ARRIVE = """async (kind) => {
    const content = await (await fetch(document.querySelector(".vqfr-sample img").src)).blob();
    const data = new DataTransfer();
    data.items.add(new File([content], kind + ".jpg", { type: "image/jpeg" }));
    const made = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
    const event = kind === "paste" ? new ClipboardEvent(kind, made) : new DragEvent(kind, made);
    document.querySelector("#vqfr_page_drawing").dispatchEvent(event);
}"""


def test_a_wrong_file_is_explained_and_the_next_one_works(visit, photo, tmp_path):
    visitor = visit()
    wrong = tmp_path / "notes.png"
    wrong.write_text("shopping list")
    visitor.drop(wrong)
    visitor.wait_for("notes.png: not a picture")
    visitor.find("photo", "button[aria-label*=lear], button[title*=lear]").click()
    visitor.wait_for("Drop a photograph")
    visitor.drop(photo)
    visitor.wait_for("1 face found")
    for kind in ("drop", "paste"):  # onto the one before
        visitor.page.evaluate(_ARRIVE, kind)
        visitor.wait_for(f"{kind}.jpg: 3 faces found")
    visitor.find("photo", "button").click()
    visitor.page.get_by_label("Try the sample: group").click()
    visitor.wait_for("group.jpg: 3 faces found")
    with visitor.page.expect_response(lambda answer: answer.request.method == "POST") as stopped:
        visitor.find("stop").click()
    assert stopped.value.status == 200


def test_two_visitors_at_once_keep_apart(visit, photo, portrait, expect, tmp_path):
    other_photo = tmp_path / "other.png"
    portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(other_photo)
    one, two = visit(), visit()
    one.drop(photo)
    two.drop(other_photo)
    one.wait_for("portrait.png: 1 face found")
    two.wait_for("other.png: 1 face found")
    for visitor in (one, two):
        visitor.find("restore").click()
    for visitor, is_flipped in ((one, False), (two, True)):
        visitor.find("said", ".vqfr-done").wait_for()
        assert np.array_equal(visitor.saved(), expect(is_flipped))
    assert not set(one.shown()) & set(two.shown())


def test_several_pictures(visit, photo, tmp_path):
    blank = tmp_path / "blank.png"
    Image.new("RGB", (64, 48), "gray").save(blank)
    visitor = visit()
    visitor.open_view("Several pictures")
    visitor.find("uploads", "input[type=file]").set_input_files([str(photo), str(blank)])
    visitor.find("uploads").get_by_text("blank").wait_for()
    visitor.find("start").click()
    visitor.find("progress").get_by_text("2 restored").wait_for()
    visitor.find("progress").get_by_text("no face found, left unchanged").wait_for()
    with zipfile.ZipFile(io.BytesIO(visitor.fetch("results"))) as archive:
        assert sorted(archive.namelist()) == ["blank.png", "portrait.png"]


def test_the_page_speaks_the_visitors_language(visit):
    visitor = visit("fr-FR")
    visitor.open_view("Plusieurs images")
    visitor.find("start").get_by_text("Tout restaurer", exact=True).wait_for()
    visitor.open_view("Photographie")
    visitor.find("said").get_by_text("Déposez une photographie ici, collez-en une ou essayez un exemple.").wait_for()
    visitor.find("more_blend").get_by_text("Autres réglages : remise en place des visages").wait_for()
    visitor.find("sort", "input").click()
    assert "size" in visitor.page.get_by_role("option").all_inner_texts()[0]  # a value, not a word


def test_who_leaves_is_forgotten(visit, photo, tmp_path_factory):
    visitor = visit()
    visitor.drop(photo)
    visitor.wait_for("1 face found")
    visitor.restore()
    temp = tmp_path_factory.getbasetemp()
    folders = set(temp.glob("page*/temp/vqfr-page-*"))
    assert folders
    visitor.page.close()
    gone = threading.Event()
    for _ in range(100):
        if set(temp.glob("page*/temp/vqfr-page-*")) < folders:
            return
        gone.wait(0.1)
    raise AssertionError("the files of a closed tab are still there")
