"""Write the node pack's example workflows, with thumbnails and the README's picture, using a real ComfyUI's page.

`python -m tools.make_workflows --url http://127.0.0.1:8188` with a disposable ComfyUI that has this pack and, in
`models/upscale_models`, a RealESRGAN_x2plus.pth; `stand_ins.upscalers.save_plain` writes one that only repeats pixels.
`--only NAME` makes one of them. Needs playwright, Chromium and PyAV. The page itself saves the graphs, so they are
exactly as it writes them.
"""

import argparse
import io
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "example_workflows"
README_PICTURE, README_WORKFLOW = ROOT / "docs" / "comfyui.jpg", "Choose which faces"
PICTURE, UPSCALER = "example.png", "RealESRGAN_x2plus.pth"
"""A picture that every ComfyUI has, and an upscaler that the page offers to download."""
CLIP = "clip.mp4"
GAP_PX = 90
THUMBNAIL_PX = 480
PORTRAIT, GROUP = ROOT / "examples" / "portrait.jpg", ROOT / "stand_ins" / "pictures" / "group.jpg"

Node = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Workflow:
    """A graph, its layout on the canvas, and the note beside it."""

    note: str
    """The note beside it, in Markdown."""
    columns: list[dict[str, Node]]
    """From left to right; each node by a short name: its class and its inputs. A link is ["name", number]."""
    controls: tuple[tuple[str, str], ...] = ()
    """Of an app: the inputs that its page shows, each as node and input. The result is that of the node `save`."""
    marked: str | None = None
    """The node whose picture is the thumbnail; else it is before and after."""


def load_image() -> Node:
    return "LoadImage", {"image": PICTURE}


def save_image(source: str, prefix: str) -> Node:
    return "SaveImage", {"images": [source, 0], "filename_prefix": prefix}


WORKFLOWS = {
    "Restore faces": Workflow(
        "Choose a picture and press **Run**. The slider on the node compares before and after.\n\n"
        "`auto` takes the best model in *models/vqfr*, else the small built-in one. For real work choose `vqfr_v2`: it "
        "is downloaded once.",
        [
            {"load": load_image()},
            {"restore": ("VQFR_Restore", {"image": ["load", 0]})},
            {"save": save_image("restore", "restored")},
        ],
    ),
    "Restore faces.app": Workflow(
        "The same as *Restore faces*, as an app: choose a picture, press **Run**.",
        [
            {"load": load_image()},
            {"restore": ("VQFR_Restore", {"image": ["load", 0]})},
            {"save": save_image("restore", "restored")},
        ],
        controls=(("load", "image"), ("restore", "model"), ("restore", "fidelity"), ("restore", "scale")),
    ),
    "Choose which faces": Workflow(
        "**Detect** numbers the faces and says which are skipped and why. **Select** keeps some of them: `largest`, "
        "`0,2`, `1:3` ... **Blend** puts them back; change its settings and run again, the network is not run for it.",
        [
            {"load": load_image(), "model": ("VQFR_LoadModel", {})},
            {"detect": ("VQFR_DetectFaces", {"image": ["load", 0]})},
            {"select": ("VQFR_SelectFaces", {"faces": ["detect", 0], "sort": "left-right"})},
            {
                "restore": ("VQFR_RestoreFaces", {"vqfr_model": ["model", 0], "faces": ["select", 0]}),
                "crops": ("PreviewImage", {"images": ["restore", 1]}),
            },
            {"blend": ("VQFR_BlendFaces", {"image": ["load", 0], "faces": ["restore", 0]})},
            {"save": save_image("blend", "restored")},
        ],
        marked="select",
    ),
    "Keep eyes faithful": Workflow(
        "Right-click the picture, choose **Open in MaskEditor** and paint the eyes. There the face follows the input "
        "(**map fidelity**), elsewhere it takes more of the texture (**fidelity**).\n\n"
        "For real work choose `vqfr_v2` on Load VQFR Model.",
        [
            {"load": load_image(), "model": ("VQFR_LoadModel", {})},
            {"detect": ("VQFR_DetectFaces", {"image": ["load", 0]})},
            {
                "restore": (
                    "VQFR_RestoreFaces",
                    {
                        "vqfr_model": ["model", 0],
                        "faces": ["detect", 0],
                        "fidelity": 0.1,
                        "map_fidelity": 1.0,
                        "fidelity_map": ["load", 1],
                    },
                ),
                "crops": ("PreviewImage", {"images": ["restore", 1]}),
            },
            {"blend": ("VQFR_BlendFaces", {"image": ["load", 0], "faces": ["restore", 0]})},
            {"save": save_image("blend", "faithful_eyes")},
        ],
    ),
    "Restore a video": Workflow(
        "Choose a video first. Every frame comes back, also those without a face. Frames are worked on some at a time, "
        "so a long clip needs room for its frames and no more.",
        [
            {"load": ("LoadVideo", {"file": ""})},
            {"parts": ("GetVideoComponents", {"video": ["load", 0]})},
            {"restore": ("VQFR_Restore", {"image": ["parts", 0]})},
            {"video": ("CreateVideo", {"images": ["restore", 0], "audio": ["parts", 1], "fps": ["parts", 2]})},
            {
                "save": (
                    "SaveVideo",
                    {"video": ["video", 0], "filename_prefix": "restored", "format": "mp4", "codec": "h264"},
                )
            },
        ],
    ),
    "Restore and enlarge": Workflow(
        "**Upscale Image (using Model)** enlarges the whole picture; choose an upscaler on *Load Upscale Model*. Faces "
        "are found in the original, restored, and put onto the enlarged picture, at its size, by the **background** of "
        "*Blend Faces*.",
        [
            {
                "load": load_image(),
                "upscaler": ("UpscaleModelLoader", {"model_name": UPSCALER}),
                "model": ("VQFR_LoadModel", {}),
            },
            {
                "enlarge": ("ImageUpscaleWithModel", {"upscale_model": ["upscaler", 0], "image": ["load", 0]}),
                "detect": ("VQFR_DetectFaces", {"image": ["load", 0]}),
            },
            {"restore": ("VQFR_RestoreFaces", {"vqfr_model": ["model", 0], "faces": ["detect", 0]})},
            {
                "blend": (
                    "VQFR_BlendFaces",
                    {"image": ["load", 0], "faces": ["restore", 0], "background": ["enlarge", 0]},
                )
            },
            {"save": save_image("blend", "enlarged")},
        ],
    ),
    "Edit crops yourself": Workflow(
        "Anything may happen to the **crops** between *Detect Faces* and *Faces from Crops*: an upscale model, a "
        "sampler, another restorer. Here they are enlarged and sharpened. Keep their order and number; larger crops "
        "keep their detail.",
        [
            {"load": load_image()},
            {"detect": ("VQFR_DetectFaces", {"image": ["load", 0]})},
            {
                "enlarge": ("ImageScaleBy", {"image": ["detect", 1], "upscale_method": "lanczos", "scale_by": 2.0}),
                "sharpen": (
                    "ImageSharpen",
                    {"image": ["enlarge", 0], "sharpen_radius": 2, "sigma": 1.0, "alpha": 0.6},
                ),
            },
            {"edited": ("VQFR_FacesFromCrops", {"faces": ["detect", 0], "crops": ["sharpen", 0]})},
            {"blend": ("VQFR_BlendFaces", {"image": ["load", 0], "faces": ["edited", 0], "color_match": 0.0})},
            {"save": save_image("blend", "own_processing")},
        ],
    ),
}

_UPSCALER_FILE = {
    "name": UPSCALER,
    "url": f"https://github.com/xinntao/Real-ESRGAN/releases/download/v0.2.1/{UPSCALER}",
    "directory": "upscale_models",
}

_BUILD = """async ([prompt, note, columns, gap, upscaler]) => {
  await app.loadApiJson(prompt, "workflow");
  const nodes = (ids) => ids.map((id) => app.graph.getNodeById(id));
  let x = gap;
  for (const ids of columns) {
    let y = gap;
    for (const node of nodes(ids)) {
      const [width, height] = node.computeSize();
      const shows = /Image$|Video$|Detect|Select|VQFR_Restore/.test(node.type) && !/Create/.test(node.type);
      node.setSize([Math.max(width, 300), height + (shows ? 280 : 0)]);
      node.pos = [x, y];
      y += 1.3 * node.size[1] + gap; // nodes of the page's second kind are taller, and grow a line of text
      if (node.type === "UpscaleModelLoader") node.properties.models = [upscaler];
    }
    x += Math.max(...nodes(ids).map((node) => node.size[0])) + gap;
  }
  const text = LiteGraph.createNode("MarkdownNote");
  text.widgets[0].value = note;
  text.setSize([620, 130]);
  text.pos = [gap, -130];
  text.title = "What this does";
  app.graph.add(text);
}"""

_FIT = """() => {
  const nodes = app.graph._nodes, view = app.canvas.ds;
  const left = Math.min(...nodes.map((node) => node.pos[0])), top = Math.min(...nodes.map((node) => node.pos[1])) - 40;
  const right = Math.max(...nodes.map((node) => node.pos[0] + node.size[0]));
  const bottom = Math.max(...nodes.map((node) => node.pos[1] + node.size[1]));
  view.scale = Math.min(1480 / (right - left), 860 / (bottom - top), 1);
  view.offset = [80 / view.scale - left, 100 / view.scale - top];
  app.canvas.draw(true, true);
  const isNotice = (element) => /job completed/.test(element.textContent) && element.offsetWidth < 500;
  [...document.querySelectorAll("div")].filter(isNotice).forEach((element) => (element.style.visibility = "hidden"));
  return [(right + view.offset[0]) * view.scale + 20, (bottom + view.offset[1]) * view.scale + 20];
}"""


def make_picture(path: Path = PORTRAIT) -> bytes:
    """A picture under the name that every ComfyUI has in its input folder."""
    data = io.BytesIO()
    with Image.open(path) as picture:
        picture.save(data, "PNG")
    return data.getvalue()


def make_clip() -> bytes:
    """One second of the portrait, moving a little."""
    import av

    with tempfile.TemporaryDirectory() as folder, Image.open(PORTRAIT) as picture:
        path, frame = Path(folder) / "clip.mp4", picture.resize((320, 320))
        with av.open(str(path), "w") as container:
            stream = container.add_stream("h264", rate=8)
            stream.width, stream.height, stream.pix_fmt = 320, 320, "yuv420p"
            for step in range(8):
                moved = frame.transform(frame.size, Image.Transform.AFFINE, (1, 0, 2 * step, 0, 1, step))
                container.mux(stream.encode(av.VideoFrame.from_image(moved)))
            container.mux(stream.encode())
        return path.read_bytes()


def api_prompt(workflow: Workflow, page: Any, url: str) -> dict[str, Any]:
    """The graph in the server's format, with defaults for all widgets not given."""
    named = {name: node for column in workflow.columns for name, node in column.items()}
    numbers = {name: str(number) for number, name in enumerate(named, 1)}
    prompt = {}
    for name, (kind, given) in named.items():
        info = page.request.get(f"{url}/object_info/{kind}").json()[kind]["input"]
        inputs = {key: more[0]["default"] for key, (_, *more) in _inputs(info) if more and "default" in more[0]}
        for key, value in given.items():
            is_link = isinstance(value, list) and len(value) == 2 and value[0] in numbers
            inputs[key] = [numbers[value[0]], value[1]] if is_link else value
        prompt[numbers[name]] = {"class_type": kind, "inputs": inputs}
    return prompt


def _inputs(info: dict[str, Any]) -> list[tuple[str, Any]]:
    return list((info.get("required", {}) | info.get("optional", {})).items())


def build(page: Any, workflow: Workflow, url: str) -> dict[str, Any]:
    """Load the graph in the page; gives what the page saves."""
    page.goto(url)  # reload for each graph, because the page keeps nodes' pictures by node number
    page.wait_for_function("window.app && window.app.graph")
    time.sleep(3)
    prompt = api_prompt(workflow, page, url)
    numbers = iter(range(1, len(prompt) + 1))
    columns = [[next(numbers) for _ in column] for column in workflow.columns]
    page.evaluate(_BUILD, [prompt, workflow.note, columns, GAP_PX, _UPSCALER_FILE])
    time.sleep(1)
    graph: dict[str, Any] = json.loads(page.evaluate("JSON.stringify(app.graph.serialize())"))
    graph.pop("id", None)  # a different one on each run
    if workflow.controls:
        names = [name for column in workflow.columns for name in column]
        controls = [[names.index(node) + 1, name] for node, name in workflow.controls]
        graph.setdefault("extra", {})["linearMode"] = True
        graph["extra"]["linearData"] = {"inputs": controls, "outputs": [names.index("save") + 1]}
    return graph


def run(page: Any, url: str) -> dict[str, Any]:
    """Run the open graph, with a clip where it asks for one; gives the outputs by node number."""
    page.evaluate(f"app.graph._nodes.filter(n => n.type === 'LoadVideo').forEach(n => n.widgets[0].value = '{CLIP}')")
    page.request.post(f"{url}/free", data=json.dumps({"free_memory": True}))  # nodes that are not run show nothing
    page.evaluate("app.queuePrompt(0)")
    time.sleep(2)
    while any(page.request.get(f"{url}/queue").json().values()):
        time.sleep(1)
    time.sleep(2)
    *_, last = page.request.get(f"{url}/history").json().values()
    return last["outputs"]  # type: ignore[no-any-return]


def thumbnail(page: Any, url: str, workflow: Workflow, outputs: dict[str, Any]) -> Image.Image:
    """The picture of the marked node, else the portrait before and after."""
    names = [name for column in workflow.columns for name in column]
    (file, *_) = outputs[str(names.index(workflow.marked or "save") + 1)]["images"]
    data = io.BytesIO(page.request.get(f"{url}/view", params=file).body())
    picture = first_frame(data) if file["filename"].endswith(".mp4") else Image.open(data).convert("RGB")
    picture = picture.resize((THUMBNAIL_PX, round(THUMBNAIL_PX * picture.height / picture.width)))
    if workflow.marked is None:
        half = picture.width // 2
        with Image.open(PORTRAIT) as before:
            picture.paste(before.resize(picture.size).crop((0, 0, half, picture.height)))
        ImageDraw.Draw(picture).line([half, 0, half, picture.height], "white", 3)
    return picture


def first_frame(data: io.BytesIO) -> Image.Image:
    import av

    with av.open(data) as container:
        return next(container.decode(video=0)).to_image()  # type: ignore[no-any-return]


def photograph(page: Any) -> Image.Image:
    """A screenshot of the open graph."""
    right, bottom = page.evaluate(_FIT)
    time.sleep(1)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB").crop((60, 90, right, bottom))


def open_page(playwright: Any, url: str) -> Any:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
    settings = {"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False}
    page.request.post(f"{url}/api/settings", data=json.dumps(settings))
    return page


def upload(page: Any, url: str, name: str, data: bytes) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.request.post(f"{url}/upload/image", multipart={"image": file, "overwrite": "true"})


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8188")
    parser.add_argument("--only", choices=WORKFLOWS, help="make this one")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        page = open_page(playwright, arguments.url)
        upload(page, arguments.url, CLIP, make_clip())
        for name in [arguments.only] if arguments.only else WORKFLOWS:
            workflow = WORKFLOWS[name]
            upload(page, arguments.url, PICTURE, make_picture(GROUP if workflow.marked else PORTRAIT))
            graph = build(page, workflow, arguments.url)
            (OUTPUT / f"{name}.json").write_text(json.dumps(graph, indent=1) + "\n")
            outputs = run(page, arguments.url)
            thumbnail(page, arguments.url, workflow, outputs).save(OUTPUT / f"{name}.jpg", quality=85)
            if name == README_WORKFLOW:
                photograph(page).save(README_PICTURE, quality=85)
            print(name)


if __name__ == "__main__":
    main()
