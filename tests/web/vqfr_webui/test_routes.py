"""The HTTP routes: what they do, whom they refuse, and what they do not give away."""

import base64
import io
import json

import pytest
from PIL import Image

from vqfr_core import InputError, WeightsError
from vqfr_core.pictures import open_picture
from vqfr_core.serving import bodies
from vqfr_core.serving.pictures import decode_picture
from vqfr_core.serving.routes import Routes

from .conftest import differs


def encoded(image, format="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, format=format)
    return base64.b64encode(buffer.getvalue()).decode()


def routes(webui):
    return Routes(webui.part("routes").make_service())


def read(webui, body):
    return bodies.read_task(body, webui.part("routes").make_service())


@pytest.fixture
def body(portrait, tiny):
    return {"image": encoded(portrait), "model": tiny}


def test_restore(webui, body, portrait, tiny):
    answer = routes(webui).restore({**body, "options": {"fidelity": 0.2}})
    image = Image.open(io.BytesIO(base64.b64decode(answer["image"])))
    assert image.size == portrait.size and differs(image, portrait)
    assert answer["report"]["options"]["fidelity"] == 0.2 and len(answer["report"]["faces"]) == 1
    assert webui.state.jobs == ["vqfr restore", "end"]
    json.dumps(answer)
    assert str(webui.models_path) not in json.dumps(answer)


def test_detect_restores_nothing(webui, body):
    answer = routes(webui).detect(body)
    assert [face["status"] for face in answer["faces"]] == ["found"]
    assert answer["size"] == (160, 192) and answer["detector"] == "retinaface_mobile0.25"
    assert not webui.part("restoring")._kept


def test_an_aligned_picture_is_the_face_that_is_detected(webui, body):
    answer = routes(webui).detect({**body, "options": {"aligned": True}})
    assert [face["box"] for face in answer["faces"]] == [(0.0, 0.0, 191.0, 159.0)]
    assert answer["detector"].startswith("none")


def test_faces_that_are_not_chosen_keep_their_numbers(webui, body):
    answer = routes(webui).detect({**body, "options": {"select": "none"}})
    (face,) = answer["faces"]
    assert (face["number"], face["status"]) == (0, "skipped") and "not selected" in face["reason"]


def test_models_are_described(webui, tiny):
    models = {model["name"]: model for model in webui.part("models").models().describe()}
    kinds = {name: model["kind"] for name, model in models.items()}
    assert kinds == {
        "vqfr_v2": "restorer", "vqfr_v1": "restorer", "vqfr_small2": "restorer", "retinaface_resnet50": "detector",
        "retinaface_mobile0.25": "detector", "parsenet": "parser", "bisenet": "parser", tiny: "restorer",
    }  # fmt: skip
    assert [name for name, model in models.items() if model["present"]] == [
        "vqfr_small2",
        "retinaface_mobile0.25",
        tiny,
    ]
    assert models["vqfr_small2"]["licence"] == "Apache-2.0" and models[tiny]["origin"] == "a file in the model folder"


def test_models_and_schema_name_no_folder(webui, tiny):
    models, schema = webui.part("models").models().describe(), routes(webui).describe_options()
    assert {"vqfr_v2", "vqfr_small2", tiny} <= {model["name"] for model in models}
    assert schema["options"]["fidelity"]["maximum"] == 1.0 and tiny in schema["models"]
    assert str(webui.models_path) not in json.dumps([models, schema])


@pytest.mark.parametrize("model", ["../tiny.safetensors", "/etc/passwd", "VQFR/tiny.safetensors", "nothing"])
def test_only_names_of_the_list(webui, body, model):
    with pytest.raises(InputError, match="not known"):
        read(webui, {**body, "model": model})


def test_nothing_is_downloaded_for_a_program_far_away(webui, body):
    with pytest.raises(WeightsError, match="not on this machine"):
        read(webui, {**body, "model": "vqfr_v2"})
    with pytest.raises(WeightsError, match="retinaface_resnet50"):
        read(webui, {**body, "options": {"detector": "retinaface_resnet50"}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "!"}, "base64"),
        ({"image": base64.b64encode(b"text").decode()}, "picture"),
        ({"image": "http://127.0.0.1/a.png"}, "base64"),
        ({"image": 3}, "JSON object"),
        ({"path": "/etc"}, "unknown field path"),
        ({"options": {"fidelty": 1}}, "unknown option fidelty; known are"),
        ({"options": {"model": "auto"}}, "next to options"),
        ({"options": []}, "options an object"),
        ({"options": ""}, "options an object"),
        ({"model": 3}, "model is text"),
    ],
)
def test_bad_bodies(webui, body, change, message):
    with pytest.raises(InputError, match=message):
        routes(webui).detect({**body, **change})


def test_too_many_pixels_are_refused_before_decoding(webui, body, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_PIXELS", 100)
    with pytest.raises(InputError, match=r"image: has more than 0\.0001 million pixels"):
        routes(webui).detect(body)


def test_results_are_no_larger_than_pictures_may_be(webui, body, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_PIXELS", 192 * 160)
    routes(webui).detect(body)
    with pytest.raises(InputError, match="scale"):
        routes(webui).detect({**body, "options": {"scale": 1.5}})


@pytest.mark.parametrize("mode", ["CMYK", "F", "I;16", "P", "1", "LA"])
def test_pictures_of_every_kind_come_back(webui, client, tiny, mode):
    plain = Image.new(mode, (64, 64)) if mode != "CMYK" else Image.new(mode, (64, 64), (10, 20, 30, 40))
    answer = client().post("/vqfr/restore", json={"image": encoded(plain, "TIFF"), "model": tiny})
    assert answer.status_code == 200 and not answer.json()["report"]["faces"]
    if mode == "I;16":
        assert Image.open(io.BytesIO(base64.b64decode(answer.json()["image"]))).mode == "I;16"


def test_of_an_animation_the_report_says_what_was_used(webui, client, tiny):
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    body = {"image": base64.b64encode(buffer.getvalue()).decode(), "model": tiny}
    assert any("has 2 frames" in note for note in client().post("/vqfr/restore", json=body).json()["report"]["notes"])


def test_photographs_are_turned_upright(webui, portrait):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    portrait.save(buffer, format="JPEG", exif=exif)
    text = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    assert decode_picture(text, open_picture).images[0].shape == (3, 192, 160)


class App:
    """FastAPI with its HTTP taken away."""

    def __init__(self):
        self.paths = []

    def add_api_route(self, path, endpoint, **arguments):
        self.paths.append(path)


def test_no_routes_without_the_hosts_api(webui):
    webui.flags.api = False
    app = App()
    webui.part("routes").add_routes(app)
    assert app.paths == []


@pytest.fixture
def client(webui):
    """client(): an HTTP client of an application with our routes."""
    fastapi = pytest.importorskip("fastapi", reason="fastapi, which every WebUI brings, is not installed here")
    pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")
    from fastapi.testclient import TestClient

    def make():
        app = fastapi.FastAPI()
        for start in webui.callbacks["app_started"]:
            start(None, app)
        return TestClient(app)

    return make


def test_over_http(client, body):
    http = client()
    assert http.post("/vqfr/restore", json=body).json()["report"]["faces"]
    assert http.post("/vqfr/detect", json=body).json()["faces"]
    assert http.get("/vqfr/models").status_code == 200 and http.get("/vqfr/schema").status_code == 200
    refused = http.post("/vqfr/restore", json={**body, "options": {"x": 1}})
    assert refused.status_code == 422 and "known are" in refused.json()["detail"]
    assert http.post("/vqfr/restore", json={**body, "model": "vqfr_v2"}).status_code == 404
    assert "/vqfr/restore" in http.get("/openapi.json").json()["paths"]


def test_bodies_have_a_limit(client, body, webui, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 1000)
    assert client().post("/vqfr/restore", json=body).status_code == 413


@pytest.mark.parametrize("path", ["/vqfr/models", "/vqfr/schema", "/vqfr/restore", "/vqfr/detect"])
def test_the_hosts_login_protects_every_route(client, webui, body, path):
    webui.flags.api_auth = "ann:secret,bob:p:w"
    http = client()
    method = {"method": "POST", "json": body} if path.endswith(("restore", "detect")) else {"method": "GET"}
    assert http.request(url=path, **method).status_code == 401
    assert http.request(url=path, auth=("ann", "wrong"), **method).status_code == 401
    assert http.request(url=path, auth=("eve", "secret"), **method).status_code == 401
    assert http.request(url=path, auth=("ann", "secret"), **method).status_code == 200


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "content",
    [
        b"{", b"[" * 900, b"[" * 10**6, b'{"image": ' + b"[" * 990 + b"]" * 990 + b"}", b"\xff", b"9" * 5000, b"{}",
        b'{"image": "", "options": {"fidelity": NaN}}', b'{"image": "", "options": {"fidelity": 1e999}}',
        b'{"image": "", "options": {"batch_size": ' + b"9" * 400 + b"}}",
        b'{"image": "", "options": {"select": "' + b"9" * 900 + b'"}}',
        b'{"image": "", "options": {"select": "' + b"0;" * 9000 + b'"}}',
        b'{"image": "", "model": "' + b"x" * 10**6 + b'"}', b'{"image": "", "' + b"x" * 10**6 + b'": 1}',
        b'{"image": "", "options": {"mask": {"' + b"x" * 10**6 + b'": 1}}}',
    ],
)  # fmt: skip
def test_junk_is_refused_with_a_sentence(client, content):
    answer = client().post("/vqfr/detect", content=content, headers=JSON)
    assert answer.status_code == 422 and 0 < len(answer.json()["detail"]) < 3000


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_pages_elsewhere_cannot_start_work(client, body, kind):
    headers = {} if kind is None else {"Content-Type": kind}
    assert client().post("/vqfr/detect", content=json.dumps(body), headers=headers).status_code == 415


def test_answers_name_no_folder(client, webui, body):
    (webui.models_path / "VQFR" / "broken.safetensors").write_bytes(b"nothing of use" * 100)
    answer = client().post("/vqfr/restore", json={**body, "model": "broken.safetensors"})
    assert answer.status_code >= 400 and "broken" in answer.text and str(webui.models_path) not in answer.text
