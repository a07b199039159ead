"""The editor's server, asked over real HTTP, rightly and wrongly."""

from __future__ import annotations

import base64
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.editor_server import TALKATIVE, Client, editor
from helpers.full_disk import files_up_to
from helpers.tiny_attention_run import write_attention

from dalearn_ros.attention import image_routes, seen
from dalearn_ros.attention.session import Session
from dalearn_ros.attention.teacher_maps import TeacherMap, TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.datasets.store import Dataset

pytestmark = pytest.mark.xdist_group("editor")  # they share one server, in this order
CELLS = (12, 20)
HUGE = (900, 600)  # width, height


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, detector_path: Path) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return write_attention(folder / "run", detector_path, TALKATIVE)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, roads: Dataset) -> Path:
    """The roads' dataset; its third image has vanished, its fourth leads out of the folder."""
    folder = tmp_path_factory.mktemp("data") / "roads"
    shutil.copytree(roads.path, folder)
    (folder / "images" / "f2.jpg").unlink()
    coco = json.loads((folder / "annotations.json").read_text())
    shutil.copy(folder / "images" / "f3.jpg", folder.parent / "secret.jpg")
    coco["images"][3]["file_name"] = "images/../../secret.jpg"
    (folder / "annotations.json").write_text(json.dumps(coco))
    return folder


@pytest.fixture(scope="module")
def edits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("edits")


@pytest.fixture(scope="module")
def client(model: Path, data: Path, edits: Path) -> Iterator[Client]:
    with editor(model, data, edits) as server:
        yield Client(server)


def judged(client: Client, count: int) -> Any:
    """The whole queue once so many images are judged."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = client.json("/api/queue?branch=all")
        if found["counts"]["judged"] >= count:
            return found
        time.sleep(0.2)
    raise AssertionError("the images are not judged")


def saving(client: Client, index: int, cells: np.ndarray, **changes: Any) -> tuple[int, Any]:
    """Save a map: status and answer."""
    about = client.json(f"/api/images/{index}")
    content = {
        "map": base64.b64encode(cells.astype("<f4").tobytes()).decode(),
        "who": "Ada",
        "note": "",
        "digest": about["digest"],
        "revision": (about["edit"] or {"revision": 0})["revision"],
        **changes,
    }
    body = json.dumps(content).encode()
    status, answer, _ = client.ask("POST", f"/api/images/{index}/edit", body)
    return status, json.loads(answer)


def test_the_queue_lists_what_can_be_judged_and_says_what_cannot(client: Client) -> None:
    found = judged(client, 4)
    assert {row["index"] for row in found["rows"]} == {0, 1}
    assert found["matching"] == 2
    assert found["counts"]["images"] == 4
    gone, outside = found["problems"]
    assert "f2.jpg: expected an image, found no such file" in gone["problem"]
    assert "images in the dataset's folder, found 'images/../../secret.jpg'" in outside["problem"]
    wrong = client.json("/api/queue?branch=perception&order=errors")["rows"]
    assert all(row["verdict"]["errors"] for row in wrong)
    assert client.json("/api/queue?branch=all&class=8&below=0")["matching"] == 0


@pytest.mark.parametrize("index", [2, 3])
def test_an_image_that_is_gone_or_outside_is_not_served(client: Client, index: int) -> None:
    for path in ("", "/picture", "/maps/branch"):
        status, body, _ = client.ask("GET", f"/api/images/{index}{path}")
        assert status == 404
        assert "expected" in json.loads(body)["error"]


def test_an_image_with_its_picture_and_maps(client: Client, roads: Dataset) -> None:
    about = client.json("/api/images/0")
    assert (about["size"], about["cells"], about["covered"]) == ([160, 96], [12, 20], [160, 96])
    assert about["digest"] == sha256_of(roads.image_path(0))
    assert about["answer"]["landmarks"]
    assert about["truth"]["landmarks"][0]["class"] == 0
    status, body, headers = client.ask("GET", "/api/images/0/picture")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    shown = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(shown, roads.image(0))
    proposal = client.cells("/api/images/0/maps/proposal", CELLS)
    assert proposal[6, 7] == 1.0
    assert proposal[0].max() == 0.0


def test_the_answer_follows_the_map_and_the_own_map_changes_nothing(client: Client) -> None:
    about = client.json("/api/images/0")
    own = client.cells("/api/images/0/maps/branch", CELLS)
    status, body, _ = client.ask("POST", "/api/images/0/answer", own.tobytes())
    same = json.loads(body)
    assert status == 200
    assert same["answer"] == about["answer"]
    assert same["changes"] == []
    empty = np.zeros(CELLS, "<f4").tobytes()
    status, body, _ = client.ask("POST", f"/api/images/0/answer?digest={about['digest']}", empty)
    other = json.loads(body)
    assert other["answer"] != about["answer"]
    assert {change["kind"] for change in other["changes"]} & {"gone", "new", "moved", "score"}


def test_while_painting_the_newest_map_is_answered(client: Client) -> None:
    """All at once from one tab: those that had to wait may be dropped, and none fails."""
    maps = [np.full(CELLS, at / 8, "<f4").tobytes() for at in range(8)]
    path = "/api/images/0/answer?tab=one"
    with ThreadPoolExecutor(8) as pool:
        found = [status for status, _, _ in pool.map(lambda m: client.ask("POST", path, m), maps)]
    assert set(found) <= {200, 204}
    assert 200 in found
    assert client.ask("POST", path, maps[0])[0] == 200


def test_a_saved_map_keeps_untouched_cells_and_says_who_made_it(
    client: Client, edits: Path
) -> None:
    own = client.cells("/api/images/0/maps/branch", CELLS)
    cells = own.copy()
    cells[2:4, 3:6] = 0.0
    status, answer = saving(client, 0, cells, who="Ada Lovelace", note="the board beside it")
    assert status == 200, answer
    assert (answer["edit"]["revision"], answer["edit"]["made"]) == (1, "hand")
    found = client.cells("/api/images/0/maps/edit", CELLS)
    untouched = cells == own
    assert np.array_equal(found[untouched].view(np.uint32), own[untouched].view(np.uint32))
    assert found[2:4, 3:6].max() == 0.0
    edit = TeacherMaps(edits).read(client.json("/api/images/0")["digest"])
    assert edit is not None
    assert (edit.who, edit.note, edit.size_px) == (
        "Ada Lovelace",
        "the board beside it",
        (160, 96),
    )
    assert set(edit.model) == {"run", "weights", "synthesis"}
    assert len(edit.model["weights"]) == 64
    assert client.json("/api/queue?branch=all&edits=with")["matching"] == 1


def test_a_proposal_that_is_confirmed_is_said_to_be_the_maps(client: Client) -> None:
    proposal = client.cells("/api/images/1/maps/proposal", CELLS)
    status, answer = saving(client, 1, proposal)
    assert (status, answer["edit"]["made"]) == (200, "map")


def test_a_map_from_elsewhere_says_where_it_is_from(client: Client, edits: Path) -> None:
    cells = np.full(CELLS, 0.25, np.float32)
    status, answer = saving(client, 1, cells, imported=True, note="gaze of a driver, table 2")
    assert (status, answer["edit"]["made"]) == (200, "imported")
    edit = TeacherMaps(edits).read(client.json("/api/images/1")["digest"])
    assert edit is not None
    assert (edit.made, edit.note) == ("imported", "gaze of a driver, table 2")


def test_a_map_drawn_elsewhere_is_read_from_its_file(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = np.full((24, 40), 13107, np.uint16)  # a fifth of 65535
    sent = cv2.imencode(".png", drawn)[1].tobytes()
    status, body, _ = client.ask("POST", "/api/images/0/drawn?name=a.png", sent)
    assert status == 200
    assert np.allclose(np.frombuffer(body, "<f4").reshape(CELLS), 0.2)
    colours = cv2.imencode(".png", np.full((24, 40, 3), (0, 0, 9), np.uint8))[1].tobytes()
    status, body, _ = client.ask("POST", "/api/images/0/drawn?name=b.png", colours)
    assert status == 400
    assert json.loads(body)["error"].startswith("b.png: expected a grey picture")
    monkeypatch.setattr(image_routes, "DRAWN_BYTES", len(sent) - 1)
    assert client.ask("POST", "/api/images/0/drawn", sent)[0] == 413


def test_of_two_who_save_the_second_hears_of_the_first(client: Client) -> None:
    cells = np.full(CELLS, 0.5, np.float32)
    status, _ = saving(client, 0, cells)
    assert status == 200
    now = client.json("/api/images/0")["edit"]["revision"]
    status, answer = saving(client, 0, cells, who="Eve", revision=now - 1)
    assert status == 409
    assert answer["edit"]["who"] == "Ada"
    assert answer["edit"]["revision"] == now
    status, answer = saving(client, 0, cells, who="Eve", revision=answer["edit"]["revision"])
    assert (status, answer["edit"]["who"]) == (200, "Eve")


def test_a_full_disk_is_said_and_the_map_before_stays(client: Client, edits: Path) -> None:
    digest = client.json("/api/images/0")["digest"]
    before = TeacherMaps(edits).read(digest)
    noise = np.random.default_rng(0).random(CELLS, np.float32)
    with files_up_to(100):
        status, answer = saving(client, 0, noise)
    assert status == 500
    assert "cannot be written" in answer["error"]
    assert str(TeacherMaps(edits).read(digest)) == str(before)
    assert not list(edits.glob("*.part*"))
    assert saving(client, 0, noise)[0] == 200


def nan_map() -> bytes:
    cells = np.zeros(CELLS, "<f4")
    cells[3, 3] = np.nan
    return cells.tobytes()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "found 0 bytes"),
        (b"\0" * 959, 400, "found 959 bytes"),
        (b"\0" * 961, 413, "longer than 960"),
        (b"\0" * 3_000_000, 413, "longer than 960"),
        (nan_map(), 400, "values of 0 to 1"),
        (np.full(CELLS, -0.1, "<f4").tobytes(), 400, "values of 0 to 1"),
        (np.full(CELLS, 1.5, "<f4").tobytes(), 400, "values of 0 to 1"),
    ],
    ids=["empty", "short", "long", "huge", "nan", "negative", "over"],
)
def test_a_map_that_is_none_is_refused(
    client: Client, body: bytes, status: int, words: str
) -> None:
    try:
        found, answer, _ = client.ask("POST", "/api/images/0/answer", body)
    except (BrokenPipeError, ConnectionResetError):  # it does not read what is too long
        assert len(body) > 100_000
        return
    assert found == status
    assert words in json.loads(answer)["error"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"map": "!!"}, "base64"),
        ({"map": 7}, "base64"),
        ({"map": "AAAA"}, "found 3 bytes"),
        ({"who": "  "}, "name"),
        ({"who": 3}, "'who'"),
        ({"who": "A\udcdf"}, "'who'"),
        ({"note": "\ud800"}, "'note'"),
        ({"who": "x" * 501}, "'who'"),
        ({"revision": "1"}, "'revision'"),
        ({"revision": True}, "'revision'"),
        ({"revision": -1}, "'revision'"),
        ({"digest": "0" * 64}, "has changed"),
        ({"imported": 1}, "'imported'"),
        ({"imported": True}, "where it is from"),
    ],
    ids=str,
)
def test_a_malformed_save_is_refused(
    client: Client, edits: Path, changes: dict[str, Any], words: str
) -> None:
    before = sorted(edits.iterdir())
    status, answer = saving(client, 0, np.zeros(CELLS), **changes)
    assert status in (400, 412)
    assert words in answer["error"]
    assert sorted(edits.iterdir()) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_json_that_is_none_is_refused(client: Client, body: bytes) -> None:
    status, answer, _ = client.ask("POST", "/api/images/0/edit", body)
    assert status in (400, 413)
    assert json.loads(answer)["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/page/..%2f..%2fserver.py",
        "/page/../routes.py",
        "/page/server.py",
        "/etc/passwd",
        "//etc/passwd",
        "/api/images/-1",
        "/api/images/99",
        "/api/images/99999999999999999999999",
        "/api/images/" + "9" * 5000,
        "/api/images/1.0",
        "/api/images/0/maps/..%2f..%2fedit",
        "/api/images/0/maps/nothing",
        "/api/images/images%2ff0.jpg",
    ],
)
def test_what_is_not_there_is_not_served(client: Client, path: str) -> None:
    status, body, _ = client.ask("GET", path)
    assert status == 404, body


@pytest.mark.parametrize(
    "query", ["branch=x", "error=x", "class=x", "below=x", "below=nan", "edits=x", "order=x"]
)
def test_a_filter_that_is_none_is_refused(client: Client, query: str) -> None:
    status, body, _ = client.ask("GET", f"/api/queue?{query}")
    assert status == 400
    assert json.loads(body)["error"]


PATHS = ["/api/start", "/api/queue", "/api/images/0", "/api/images/0/picture", "/api/", "/other"]
CREDENTIALS = ["", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x", "\xdf"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("given", CREDENTIALS)
def test_without_the_token_nothing_is_served(client: Client, path: str, given: str) -> None:
    text = given.format(token=client.token)
    status, body, _ = client.ask("GET", path, headers={"Authorization": text})
    assert status == 403
    assert b"dalearn edit-attention" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_without_the_token_nothing_is_done(client: Client, edits: Path, method: str) -> None:
    before = sorted(edits.iterdir())
    for path in ("/api/images/0/edit", "/api/images/0/answer", "/api/images/0/drawn"):
        status, _, headers = client.ask(method, path, b"{}", {"Authorization": ""})
        assert status == 403
        assert not any(name.lower().startswith("access-control") for name in headers)
    assert sorted(edits.iterdir()) == before


def test_the_token_is_neither_a_cookie_nor_in_what_a_browser_sends_to_other_ports(
    client: Client,
) -> None:
    for path in ("/", "/page/main.js", "/api/start", f"/?token={client.token}"):
        status, body, headers = client.ask("GET", path)
        assert status == 200
        assert "Set-Cookie" not in headers
        assert client.token.encode() not in body
        assert headers["Referrer-Policy"] == "no-referrer"
    cookie = {"Authorization": "", "Cookie": f"dalearn_edit_{client.port}={client.token}"}
    assert client.ask("GET", "/api/start", headers=cookie)[0] == 403
    assert client.ask("GET", f"/api/start?token={client.token}", headers=cookie)[0] == 403


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/style.css", "/page/icon.svg"])
def test_the_pages_own_files_need_no_token(client: Client, path: str) -> None:
    assert client.ask("GET", path, headers={"Authorization": ""})[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/page/../api/start", "/page/..%2fapi%2fstart", "/page/%2e%2e/api/start", "/page//api/start"],
)
def test_no_way_leads_past_the_token(client: Client, path: str) -> None:
    assert client.ask("GET", path, headers={"Authorization": ""})[0] == 404


def test_the_start_tells_no_folders_of_the_machine(
    client: Client, model: Path, data: Path, edits: Path
) -> None:
    about = client.json("/api/start")
    assert about["data"] == "roads"
    assert (about["images"], about["who"], len(about["weights"])) == (4, "Ada", 64)
    for folder in (model, data, edits):
        assert str(folder.parent) not in json.dumps(about)


def test_another_sites_name_or_page_is_refused(client: Client) -> None:
    good = [f"127.0.0.1:{client.port}", f"localhost:{client.port}", f"[::1]:{client.port}"]
    for host in good:
        assert client.ask("GET", "/api/start", headers={"Host": host})[0] == 200
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", "a b"):
        for path in ("/", "/page/main.js", "/api/start"):
            assert client.ask("GET", path, headers={"Host": host})[0] in (400, 403), host
    for headers in (
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        empty = np.zeros(CELLS, "<f4").tobytes()
        status, _, _ = client.ask("POST", "/api/images/0/answer", empty, headers)
        assert status == 403, headers
        assert client.ask("GET", "/page/main.js", headers=headers)[0] == 403, headers


def test_the_page_needs_nothing_from_elsewhere(client: Client) -> None:
    status, body, headers = client.ask("GET", "/")
    assert status == 200
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    text = body.decode()
    assert "<script>" not in text
    assert "style=" not in text
    for name in ("main.js", "editor.js", "style.css", "icon.svg"):
        status, body, _ = client.ask("GET", f"/page/{name}")
        assert status == 200
        assert b"https://" not in body


def test_a_map_of_other_cells_is_shown_only_if_resampled(client: Client, edits: Path) -> None:
    about = client.json("/api/images/1")
    maps, there = TeacherMaps(edits), TeacherMaps(edits).read(about["digest"])
    half = np.zeros((6, 10), np.float32)
    half[:, 5:] = 1.0
    other = TeacherMap(
        about["digest"], half, (160, 96), (160.0, 96.0), "f1.jpg", "hand", "Bob",
        "2026-01-02T03:04:05Z", {"run": "old", "weights": "0"},
        revision=there.revision if there else 0,
    )  # fmt: skip
    maps.write(other)
    edit = client.json("/api/images/1")["edit"]
    assert (edit["fits"], edit["same_model"], edit["cells"]) == (False, False, [6, 10])
    status, body, _ = client.ask("GET", "/api/images/1/maps/edit")
    assert status == 409
    assert "resampled" in json.loads(body)["error"]
    found = client.cells("/api/images/1/maps/edit?resample=1", CELLS)
    assert found[:, :9].max() == 0.0
    assert found[:, 11:].min() == 1.0


def test_a_damaged_map_is_said_and_the_image_opens_all_the_same(
    client: Client, edits: Path
) -> None:
    about = client.json("/api/images/1")
    file = edits / f"{about['digest']}.json"
    if about["edit"] is None:
        assert saving(client, 1, np.zeros(CELLS))[0] == 200
    text = file.read_text()
    file.write_text("{")
    try:
        found = client.json("/api/images/1")
        assert found["edit"] is None
        assert "is damaged" in found["edit_problem"]
        status, answer = saving(client, 1, np.zeros(CELLS), revision=1)
        assert status == 412  # the page opens the image anew
        assert "is damaged" in answer["error"]
        status, answer = saving(client, 1, np.zeros(CELLS))
        assert (status, answer["edit"]["who"]) == (200, "Ada")
        (kept,) = edits.glob(f"{file.name}.damaged-*")
        assert kept.read_text() == "{"
    finally:
        file.write_text(text)


def test_who_waits_for_an_editor_that_ends_hears_of_it(
    model: Path, roads: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, late = threading.Event(), threading.Event()

    def answer(*args: object) -> None:
        begun.set()
        late.wait(20)

    monkeypatch.setattr(Session, "answer", answer)
    empty = np.zeros(CELLS, "<f4").tobytes()
    with editor(model, roads.path, tmp_path / "edits") as server, ThreadPoolExecutor(1) as pool:
        server._server.config.timeout_graceful_shutdown = 0
        asked = pool.submit(Client(server).ask, "POST", "/api/images/0/answer", empty)
        assert begun.wait(20)
        server.stop()
        status, body, _ = asked.result(20)
        late.set()
    assert (status, json.loads(body)["error"]) == (503, "The editor is ending.")


def test_names_that_are_no_utf8_are_listed(model: Path, tmp_path: Path) -> None:
    good = cv2.imencode(".png", np.zeros((32, 40, 3), np.uint8))[1].tobytes()
    for name, content in ((b"Stra\xdfe.png", good), (b"\xdf.png", b"no image")):
        (tmp_path / os.fsdecode(name)).write_bytes(content)
    with editor(model, tmp_path, tmp_path / "edits") as server:
        client = Client(server)
        found = judged(client, 2)
        assert [row["name"] for row in found["rows"]] == ["Stra\ufffde.png"]
        assert [row["name"] for row in found["problems"]] == ["\ufffd.png"]
        (bad,) = (row["index"] for row in found["problems"])
        status, body, _ = client.ask("GET", f"/api/images/{bad}")
        assert status == 404
        assert "\ufffd.png" in json.loads(body)["error"]
        cells = np.zeros(client.json(f"/api/images/{1 - bad}")["cells"])
        assert saving(client, 1 - bad, cells)[0] == 200
        about = client.json(f"/api/images/{1 - bad}")
        assert (about["name"], about["edit"]["who"]) == ("Stra\ufffde.png", "Ada")


def test_a_huge_image_is_reduced_and_one_that_changes_is_read_anew(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "NETWORK_PIXELS", 160_000)
    monkeypatch.setattr(seen, "SHOWN_SIDE", 300)
    folder = tmp_path / "plain"
    folder.mkdir()
    rows = np.linspace(0, 255, HUGE[1]).astype(np.uint8)[:, None, None]
    picture = np.broadcast_to(rows, (HUGE[1], HUGE[0], 3))
    cv2.imwrite(str(folder / "huge.jpg"), picture)
    cv2.imwrite(str(folder / "small.png"), picture[:32, :40])
    (folder / "text.png").write_bytes(b"no image")
    with editor(model, folder, tmp_path / "edits") as server:
        client = Client(server)
        about = client.json("/api/images/0")
        assert about["name"] == "huge.jpg"
        assert about["size"] == list(HUGE)
        assert about["network"] == [489, 326]
        assert about["shown"] == [300, 200]
        assert about["truth"] is None
        points = np.array([one["point"] for one in about["answer"]["landmarks"]])
        assert (points >= -1.0).all()
        assert (points <= HUGE).all()
        assert points[:, 0].max() > 600
        cells = client.cells("/api/images/0/maps/branch", tuple(about["cells"]))
        assert saving(client, 0, cells)[0] == 200
        small = client.json("/api/images/1")
        assert (small["name"], small["proposes"]) == ("small.png", False)
        cv2.imwrite(str(folder / "small.png"), picture[:48, :40])
        status, answer = saving(client, 1, np.zeros(small["cells"]), digest=small["digest"])
        assert status in (400, 412)
        assert client.json("/api/images/1")["size"] == [40, 48]
        assert client.ask("GET", "/api/images/1/maps/proposal")[0] == 404
        listed = judged(client, 3)
        assert "text.png" in listed["problems"][0]["problem"]
