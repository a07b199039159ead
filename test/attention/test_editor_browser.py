"""The editor's page in a real browser: Debian's Chromium, driven without a screen."""

from __future__ import annotations

import itertools
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.browser import MARKS, browser
from helpers.editor_server import TALKATIVE, editor
from helpers.tiny_attention import write_image_run
from helpers.tiny_attention_run import write_attention

from dalearn_ros.attention import routes
from dalearn_ros.attention.classifier_run import CLASSIFICATION, Make
from dalearn_ros.attention.page_data import Offer
from dalearn_ros.attention.server import EditorServer
from dalearn_ros.attention.teacher_maps import TeacherMaps
from dalearn_ros.cli import edit_attention
from dalearn_ros.datasets.store import Dataset

pytestmark = MARKS
WAIT_MS = 30_000
SIZE, CELLS = (160, 96), (12, 20)  # of the image in pixels (width, height), of its map


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, detector_path: Path) -> Path:
    return write_attention(tmp_path_factory.mktemp("m") / "run", detector_path, TALKATIVE)


@pytest.fixture
def edits(tmp_path: Path) -> Path:
    return tmp_path / "edits"


@pytest.fixture
def server(model: Path, roads: Dataset, edits: Path) -> Iterator[EditorServer]:
    with editor(model, roads.path, edits) as running:
        yield running


class Tab:
    """A tab with the editor in it, and the maps that it sent."""

    def __init__(self, context: Any, size: tuple[int, int] = SIZE) -> None:
        self.size = size
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.sent: list[np.ndarray] = []
        self.problems: list[str] = []
        self.page.on("request", self._requested)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _requested(self, request: Any) -> None:
        if "/answer" in request.url:
            self.sent.append(np.frombuffer(request.post_data_buffer, "<f4"))

    def open(self, url: str) -> Tab:
        self.page.goto(url)
        self.page.wait_for_selector("html[data-ready=yes]")
        return self

    def first(self) -> Tab:
        """List all images as in the data, and go to the first."""
        self.page.locator("[name=branch]").select_option("all", force=True)
        self.page.locator("[name=order]").select_option("name", force=True)
        rows = self.page.locator("#rows button")
        self.until(lambda: rows.count() == 4 and rows.first.text_content().startswith("f0"))
        rows.first.dispatch_event("click")
        self.until(lambda: "f0" in self.page.locator("#image-name").text_content())
        self.page.locator("#stage").focus()
        return self

    def reload(self) -> None:
        self.page.reload()
        self.page.wait_for_selector("html[data-ready=yes]")

    def place(self, u: float, v: float) -> tuple[float, float]:
        """On the screen, of a pixel of the image while all of it is shown."""
        box = self.page.locator("#stage").bounding_box()
        scale = min(box["width"] / self.size[0], box["height"] / self.size[1])
        left = box["x"] + (box["width"] - scale * self.size[0]) / 2
        top = box["y"] + (box["height"] - scale * self.size[1]) / 2
        return left + scale * u, top + scale * v

    def stroke(self, *points: tuple[float, float]) -> None:
        """Draw with the mouse through pixels of the image."""
        self.page.mouse.move(*self.place(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.place(*point), steps=4)
        self.page.mouse.up()

    def brush(self, size: int, soft: int = 0) -> None:
        for name, value in (("size", size), ("soft", soft)):
            self.page.locator(f"#{name}").fill(str(value))

    def click(self, name: str) -> None:
        self.page.locator(f"#{name}").click()

    def text(self, name: str) -> str:
        return str(self.page.locator(f"#{name}").inner_text())

    def says(self, name: str, words: str) -> None:
        self.page.locator(f"#{name}").get_by_text(words).first.wait_for()

    def saved(self) -> None:
        self.until(lambda: self.text("state") == "Saved")

    def until(self, done: Callable[[], Any]) -> None:
        end = time.monotonic() + WAIT_MS / 1000
        while not done():
            assert time.monotonic() < end, "never came true"
            self.page.wait_for_timeout(50)

    def until_sent(self, wanted: Callable[[np.ndarray], Any]) -> np.ndarray:
        """The newest map that was sent, once it is as wanted."""
        self.until(lambda: self.sent and wanted(self.sent[-1].reshape(CELLS)))
        return self.sent[-1].reshape(CELLS)

    def branch(self) -> np.ndarray:
        """The branch's own map of image 0, as the page got it."""
        body = self.page.evaluate(
            "import('/page/api.js').then(api => api.map(0, 'branch'))"
            ".then(cells => Array.from(new Uint8Array(cells.buffer)))"
        )
        return np.frombuffer(bytes(body), "<f4").reshape(CELLS)


@pytest.fixture
def tab(chromium: Any, server: EditorServer) -> Iterator[Tab]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    found = Tab(context).open(server.url).first()
    yield found
    assert found.problems == []
    context.close()


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one.view(np.uint32), other.view(np.uint32))


def test_the_browser_comes_in_through_a_file(
    chromium: Any, server: EditorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", opened.append)
    edit_attention._announce(server.url, True, False, tmp_path)
    assert server.token not in opened[0]
    context = chromium.new_context()
    tab = Tab(context).open(opened[0])
    assert tab.page.locator("#image-name").count() == 1
    assert "token" not in tab.page.url
    context.close()


def test_no_other_server_of_the_host_hears_the_token(chromium: Any, server: EditorServer) -> None:
    context = chromium.new_context()
    tab = Tab(context).open(server.url)
    own: list[dict[str, str]] = []
    heard: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.requestline} {self.headers}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    tab.page.on("request", lambda request: own.append(request.all_headers()))
    tab.page.reload()
    tab.until(lambda: any("authorization" in headers for headers in own))
    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page = context.new_page()
        for where in (tab.page, page):  # the editor's own tab too
            where.goto(f"http://127.0.0.1:{other.server_port}/")
        other.shutdown()
    assert len(heard) >= 2
    assert server.token not in "".join(heard)
    assert "cookie" not in "".join(heard).lower()
    page.goto(server.url.partition("#")[0])  # this browser may come back without it
    page.wait_for_selector("html[data-ready=yes]")
    context.close()


def test_without_the_token_the_page_says_what_to_open(chromium: Any, server: EditorServer) -> None:
    context = chromium.new_context()
    tab = Tab(context)
    tab.page.goto(server.url.partition("#")[0])
    tab.says("messages", "Open the address that 'dalearn edit-attention' printed")
    assert tab.page.locator("#image-name").inner_text() == ""
    tab.page.goto(f"{server.url}x")
    tab.says("messages", "The editor was started anew")
    tab.open(server.url)
    tab.until(lambda: tab.text("image-name"))
    context.close()


def test_paint_erase_undo_redo_reset_and_empty(tab: Tab) -> None:
    own = tab.branch()
    tab.brush(2)
    assert tab.page.locator("#undo").is_disabled()
    tab.stroke((20, 20), (60, 20))  # rows 1 to 3, columns 1 to 8
    erased = tab.until_sent(lambda cells: cells[2, 7] == 0)
    touched = erased != own
    assert (erased[touched] == 0).all()
    assert touched[2, 2:8].all()
    assert not touched[4:].any()
    assert not touched[:, 9:].any()
    assert same_bits(erased[~touched], own[~touched])
    tab.until(lambda: tab.text("changes") not in ("", "The map is the branch's own."))
    assert "ms" in tab.text("took")
    tab.click("undo")
    tab.says("changes", "The map is the branch's own.")
    tab.click("redo")
    assert same_bits(tab.until_sent(lambda cells: cells[2, 7] == 0), erased)
    tab.click("add")
    tab.stroke((100, 60))
    added = tab.until_sent(lambda cells: cells[7, 12] == 1)
    assert (added[2, 2:8] == 0).all()
    tab.click("reset")
    tab.says("changes", "The map is the branch's own.")
    tab.click("empty")
    tab.until_sent(lambda cells: not cells.any())
    tab.page.keyboard.press("Control+z")
    tab.says("changes", "The map is the branch's own.")


def test_a_soft_brush_blends_and_a_stroke_does_not_add_up(tab: Tab) -> None:
    own = tab.branch()
    tab.brush(8, 100)
    for _ in range(2):
        tab.stroke((82, 50), (82, 50), (82, 50))
        cells = tab.until_sent(lambda cells: cells[6, 10] == 0)
        tab.click("undo")
    left = cells / own
    assert 0.3 < left[6, 12] < 0.9
    assert left[6, 11] < left[6, 12] < left[6, 13]
    assert same_bits(cells[:, 16:], own[:, 16:])


def test_the_proposal_is_one_step(tab: Tab) -> None:
    tab.page.keyboard.press("p")
    proposed = tab.until_sent(lambda cells: cells.max() == 1 and cells[0].max() == 0)
    assert proposed[6, 7] == 1
    tab.click("undo")
    tab.says("changes", "The map is the branch's own.")


def test_a_map_drawn_elsewhere_is_loaded(tab: Tab, edits: Path, tmp_path: Path) -> None:
    picture = np.zeros((48, 80), np.uint16)  # half the image's size, 4 by 4 pixels a cell
    picture[:, 40:] = 65535
    picture[:4, :4] = 100  # less than 8 bits could tell
    cv2.imwrite(str(tmp_path / "gaze.png"), picture)
    cv2.imwrite(str(tmp_path / "tall.png"), np.zeros((80, 48), np.uint8))
    colours = np.zeros((48, 80, 3), np.uint8)
    colours[..., 2] = 200
    cv2.imwrite(str(tmp_path / "colours.png"), colours)
    (tmp_path / "none.png").write_text("no picture")
    for name, words in (
        ("tall", "160 x 96, found 48 x 80"),
        ("none", "none.png: expected a picture"),
        ("colours", "expected a grey picture of 8 or 16 bits, found colours"),
    ):
        tab.page.locator("#file").set_input_files(tmp_path / f"{name}.png")
        tab.says("messages", words)
    tab.page.locator("#file").set_input_files(tmp_path / "gaze.png")
    cells = tab.until_sent(lambda cells: cells[1, 0] == 0)
    assert cells[0, 0] == pytest.approx(100 / 65535)
    assert cells[1:, :9].max() == 0
    assert cells[:, 11:].min() == 1
    assert tab.page.locator("#note").input_value() == "from gaze.png"
    tab.click("undo")
    tab.click("redo")
    tab.click("save")
    tab.saved()
    maps = TeacherMaps(edits)
    found = maps.read(maps.digests()[0])
    assert found is not None
    assert (found.made, found.note) == ("imported", "from gaze.png")
    tab.click("reset")
    tab.click("save")
    tab.until(lambda: maps.read(maps.digests()[0]).revision == 2)  # type: ignore[union-attr]
    assert maps.read(maps.digests()[0]).made == "hand"  # type: ignore[union-attr]


def test_save_reload_and_go_on(tab: Tab, edits: Path) -> None:
    own = tab.branch()
    first = tab.text("image-name")
    tab.brush(3)
    tab.stroke((20, 20))
    erased = tab.until_sent(lambda cells: cells[2, 2] == 0)
    tab.page.locator("#who").fill("")
    tab.click("save")
    tab.says("messages", "Write your name first")
    tab.page.locator("#who").fill("Grace")
    tab.click("save")
    tab.saved()
    (digest,) = TeacherMaps(edits).digests()
    found = TeacherMaps(edits).read(digest)
    assert found is not None
    assert (found.who, found.revision) == ("Grace", 1)
    assert np.abs(found.attention - erased).max() <= 0.5 / 65535 + 1e-9
    tab.says("rows", "corrected")
    tab.sent.clear()
    tab.reload()
    assert tab.text("image-name") == first
    tab.says("notices", "Corrected by Grace")
    again = tab.until_sent(lambda cells: cells[2, 2] == 0)
    assert same_bits(again[again != 0], own[again != 0])
    assert tab.page.locator("#who").input_value() == "Grace"
    tab.first().click("next")
    tab.until(lambda: tab.text("image-name") != first)
    tab.click("previous")
    tab.until(lambda: tab.text("image-name") == first)


def test_unsaved_strokes_survive_a_reload_and_a_restart_of_the_server(
    chromium: Any, model: Path, roads: Dataset, edits: Path
) -> None:
    context = chromium.new_context(viewport={"width": 1000, "height": 700})
    tab = Tab(context)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with editor(model, roads.path, edits, port) as server:
        tab.open(server.url).first()
        tab.brush(3)
        tab.stroke((20, 20))
        first = tab.until_sent(lambda cells: cells[2, 2] == 0)
        tab.page.wait_for_timeout(300)
        tab.sent.clear()
        tab.reload()
        tab.says("notices", "Unsaved strokes")
        assert not tab.sent
        tab.page.get_by_text("Restore them").click()
        assert same_bits(tab.until_sent(lambda cells: True), first)
    tab.until(lambda: tab.text("took"))
    tab.stroke((100, 60))
    tab.says("messages", "cannot be reached")
    tab.until(lambda: tab.text("after-text") == "no answer")  # not that of the map before
    tab.click("save")
    tab.says("messages", "Nothing is lost")
    with editor(model, roads.path, edits, port) as server:
        tab.click("undo")
        tab.says("messages", "started anew")  # it has another token
        tab.click("redo")
        tab.page.wait_for_timeout(300)
        tab.open(server.url)
        tab.sent.clear()
        tab.page.get_by_text("Restore them").first.click()
        found = tab.until_sent(lambda cells: cells[7, 12] == 0)
        assert found[2, 2] == 0
        tab.until(lambda: tab.text("took") and tab.text("after-text") != "no answer")
        tab.click("save")
        tab.saved()
    assert len(TeacherMaps(edits).digests()) == 1
    assert tab.problems == []
    context.close()


def test_two_tabs_that_save_lose_nothing(tab: Tab, server: EditorServer, edits: Path) -> None:
    other = Tab(tab.page.context).open(server.url)
    for one, at in ((tab, (20, 20)), (other, (100, 60))):
        one.page.bring_to_front()
        one.brush(3)
        one.stroke(at)
    tab.page.bring_to_front()
    tab.page.locator("#who").fill("Ada")
    tab.click("save")
    tab.saved()
    other.page.bring_to_front()
    mine = other.until_sent(lambda cells: cells[7, 12] == 0)
    other.click("save")
    other.says("conflict", "Ada saved revision 1")
    other.click("look-theirs")
    other.until_sent(lambda cells: cells[2, 2] == 0 and cells[7, 12] != 0)
    other.click("undo")
    assert same_bits(other.until_sent(lambda cells: cells[7, 12] == 0), mine)
    other.click("save")
    other.saved()
    tab.page.bring_to_front()
    tab.click("add")
    tab.stroke((60, 60))
    tab.click("save")
    tab.says("conflict", "revision 2")
    tab.click("mine-on-top")
    tab.saved()
    maps = TeacherMaps(edits)
    found = maps.read(maps.digests()[0])
    assert found is not None
    assert found.revision == 3
    assert (found.attention[2, 2], found.attention[7, 7]) == (0.0, 1.0)
    assert other.problems == []


def test_ones_own_strokes_stay_kept_beside_a_conflict(tab: Tab, server: EditorServer) -> None:
    other = Tab(tab.page.context).open(server.url)
    other.brush(3)
    other.stroke((100, 60))
    mine = other.until_sent(lambda cells: cells[7, 12] == 0)
    tab.page.bring_to_front()
    tab.click("empty")
    tab.click("save")
    tab.saved()
    other.page.bring_to_front()
    other.click("save")
    other.click("look-theirs")
    other.until_sent(lambda cells: not cells.any())
    other.page.wait_for_timeout(300)
    other.reload()
    other.says("notices", "The saved map has changed since")
    other.page.get_by_text("Restore them").first.click()
    assert same_bits(other.until_sent(lambda cells: cells[7, 12] == 0 and cells.any()), mine)
    other.says("notices", "revision 1")
    assert other.problems == []


def test_a_conflict_is_about_the_image_that_was_saved(
    tab: Tab, server: EditorServer, edits: Path
) -> None:
    other = Tab(tab.page.context).open(server.url)
    other.click("empty")
    other.click("save")
    other.saved()
    tab.page.bring_to_front()
    tab.brush(3)
    tab.stroke((20, 20))
    held: list[Any] = []
    tab.page.route("**/api/images/1", lambda route: held.append(route))
    tab.click("next")  # the next image is on its way when the answer to Save comes
    tab.click("save")
    tab.says("conflict", "revision 1 of the map of")
    tab.until(lambda: held)
    held[0].continue_()
    tab.until(lambda: "f1" in tab.text("image-name"))
    assert not tab.page.locator("#conflict").is_visible()
    tab.says("messages", "f0.jpg was not saved")
    maps = TeacherMaps(edits)
    assert [maps.read(digest).revision for digest in maps.digests()] == [1]  # type: ignore[union-attr]
    tab.click("previous")
    tab.says("notices", "Unsaved strokes")
    assert other.problems == []


def test_an_imported_map_stays_one_when_another_looks_at_it(
    tab: Tab, server: EditorServer, edits: Path, tmp_path: Path
) -> None:
    other = Tab(tab.page.context).open(server.url)
    cv2.imwrite(str(tmp_path / "gaze.png"), np.full((48, 80), 90, np.uint8))
    other.page.locator("#file").set_input_files(tmp_path / "gaze.png")
    other.until_sent(lambda cells: np.ptp(cells) == 0)
    other.click("save")
    other.saved()
    tab.page.bring_to_front()
    tab.click("empty")
    tab.click("save")
    tab.click("look-theirs")
    tab.until_sent(lambda cells: np.ptp(cells) == 0 and cells[0, 0] > 0)
    tab.brush(3)
    tab.stroke((20, 20))
    tab.click("save")
    tab.saved()
    maps = TeacherMaps(edits)
    found = maps.read(maps.digests()[0])
    assert found is not None
    assert (found.revision, found.made, found.note) == (2, "imported", "from gaze.png")
    assert other.problems == []


def test_what_is_offered_is_not_overwritten_by_the_next_stroke(tab: Tab) -> None:
    tab.brush(3)
    offers = tab.page.get_by_text("Restore them")
    tab.stroke((20, 20))
    tab.click("next")
    tab.until(lambda: "f1" in tab.text("image-name"))
    tab.click("previous")
    tab.until(lambda: offers.count() == 1)
    tab.stroke((100, 60))
    tab.page.wait_for_timeout(300)
    tab.reload()
    tab.until(lambda: offers.count() == 2)
    tab.stroke((60, 60))
    tab.click("undo")  # this opening has nothing to keep; those before stay
    tab.page.wait_for_timeout(300)
    tab.reload()
    tab.until(lambda: offers.count() == 2)
    offers.last.click()
    tab.until_sent(lambda cells: cells[2, 2] == 0 and cells[7, 12] != 0)
    tab.click("save")
    tab.saved()
    tab.reload()
    tab.until(lambda: offers.count() == 1)


def test_a_restored_draft_stays_if_the_browser_is_full(tab: Tab) -> None:
    tab.brush(3)
    tab.stroke((20, 20))
    tab.page.wait_for_timeout(300)
    tab.reload()
    full = "IDBObjectStore.prototype.put = () => { throw new Error('full') };"
    tab.page.evaluate(f"() => {{ {full} }}")
    tab.page.get_by_text("Restore them").click()
    tab.says("messages", "keeps nothing")
    tab.page.wait_for_timeout(300)
    tab.reload()
    tab.says("notices", "Unsaved strokes")


def test_a_key_that_is_held_saves_once(tab: Tab, edits: Path) -> None:
    held = tab.page.keyboard
    before = tab.text("image-name")
    size = int(tab.page.locator("#size").input_value())
    for key in ("d", "."):
        for _ in range(4):  # down, then three repeats
            held.down(key)
            tab.page.wait_for_timeout(200)
        held.up(key)
    tab.until(lambda: tab.text("image-name") != before)
    assert len(TeacherMaps(edits).digests()) == 1
    assert int(tab.page.locator("#size").input_value()) >= size + 4


def test_a_name_that_was_given_wins_and_the_brush_sets_what_was_asked_for(
    chromium: Any, model: Path, roads: Dataset, edits: Path
) -> None:
    context = chromium.new_context()
    with editor(model, roads.path, edits) as server:  # its name is the login's
        tab = Tab(context).open(server.url)
        tab.page.locator("#who").fill("Grace")
        tab.page.locator("#who").blur()
        tab.reload()
        assert tab.page.locator("#who").input_value() == "Grace"
        port = server.port
    offer = Offer("Joan", True, 0.25, 0.75)
    with editor(model, roads.path, edits, port, offer) as server:
        tab.open(server.url).first()
        assert tab.page.locator("#who").input_value() == "Joan"
        tab.brush(3)
        tab.stroke((20, 20))
        tab.until_sent(lambda cells: cells[2, 2] == 0.25)
        tab.click("add")
        tab.stroke((100, 60))
        tab.until_sent(lambda cells: cells[2, 2] == 0.25 and cells[7, 12] == 0.75)
    assert tab.problems == []
    context.close()


def test_more_of_a_long_list_stays_when_it_is_read_anew(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "ROWS", 2)
    rows = tab.page.locator("#rows button")
    tab.page.locator("[name=order]").select_option("errors")
    tab.until(lambda: rows.count() == 2)
    tab.click("more")
    tab.until(lambda: rows.count() == 4)
    tab.click("save")
    tab.says("rows", "corrected")
    assert rows.count() == 4
    tab.page.locator("[name=order]").select_option("name")
    tab.until(lambda: rows.count() == 2)


def test_next_reads_more_of_a_long_list_and_reading_it_anew_does_not_scroll(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "ROWS", 2)
    rows = tab.page.locator("#rows button")

    def only_two() -> None:
        tab.page.locator("[name=order]").select_option("errors")
        tab.page.locator("[name=order]").select_option("name")
        tab.until(lambda: rows.count() == 2 and "f1" in rows.last.text_content())

    def scrolled(to: int | None = None) -> int:
        move = "" if to is None else f"queue.scrollTop = {to};"
        queue = "const queue = document.getElementById('queue');"
        found = tab.page.evaluate(f"() => {{ {queue} {move} return queue.scrollTop }}")
        return int(found)

    only_two()
    for name in ("f1", "f2", "f3"):
        tab.click("next")
        tab.until(lambda name=name: name in tab.text("image-name"))
    assert rows.count() == 4
    tab.click("next")
    tab.until(lambda: "no further image" in tab.text("messages"))
    tab.page.evaluate("document.getElementById('queue').style.height = '120px'")
    scrolled(to=0)
    tab.click("save")
    tab.says("rows", "corrected")
    assert scrolled() == 0
    tab.click("previous")
    tab.until(lambda: "f2" in tab.text("image-name"))
    assert scrolled() > 0
    only_two()
    rows.last.click()
    tab.until(lambda: "f1" in tab.text("image-name"))
    tab.page.route("**/api/queue*", lambda route: route.abort())
    tab.click("next")
    tab.until(lambda: "cannot be reached" in tab.text("messages"))
    assert "f1" in tab.text("image-name")


def test_a_map_that_was_deleted_or_damaged_meanwhile_can_be_saved_anew(
    tab: Tab, edits: Path
) -> None:
    maps = TeacherMaps(edits)
    tab.brush(3)
    tab.stroke((20, 20))
    tab.click("save")
    tab.saved()
    (digest,) = maps.digests()
    for file in edits.glob(f"{digest}.*"):
        file.unlink()
    tab.stroke((100, 60))
    tab.click("save")
    tab.until(lambda: "was deleted meanwhile" in tab.text("messages"))
    tab.until(lambda: tab.text("state") == "Not saved")
    assert "Corrected by" not in tab.text("notices")
    tab.click("undo")
    assert tab.text("state") == "Not saved"  # what was saved before is there no more
    tab.click("redo")
    tab.stroke((60, 20))
    tab.click("save")
    tab.saved()
    found = maps.read(digest)
    assert found is not None
    assert (found.revision, found.attention[2, 2], found.attention[7, 12]) == (1, 0, 0)
    tab.page.wait_for_timeout(300)
    tab.reload()
    tab.says("notices", "Corrected by")
    tab.page.wait_for_timeout(300)
    assert "Unsaved" not in tab.text("notices")
    (edits / f"{digest}.json").write_text("{")
    tab.stroke((60, 60))
    tab.click("save")
    tab.until(lambda: "is damaged" in tab.text("messages"))
    tab.first()  # it is shown already, and opened anew
    tab.says("notices", "cannot be read")
    tab.page.get_by_text("Restore them").click()
    tab.until_sent(lambda cells: cells[2, 2] == 0 and cells[7, 7] == 0)
    tab.click("save")
    tab.saved()
    assert maps.read(digest).revision == 2  # type: ignore[union-attr]
    assert "cannot be read" not in tab.text("notices")


def test_a_palm_beside_a_pen_and_a_key_beside_the_mouse_take_no_stroke(tab: Tab) -> None:
    own = tab.branch()
    tab.brush(2)

    def hand(kind: str, which: str, u: float, v: float) -> None:
        x, y = tab.place(u, v)
        about = {"pointerType": which, "pointerId": len(which), "clientX": x, "clientY": y}
        tab.page.locator("#stage").dispatch_event(kind, about)

    hand("pointerdown", "pen", 20, 20)
    hand("pointerdown", "touch", 100, 60)
    hand("pointermove", "touch", 110, 60)
    hand("pointerup", "touch", 110, 60)
    hand("pointermove", "pen", 60, 20)
    hand("pointerup", "pen", 60, 20)
    painted = tab.until_sent(lambda cells: cells[2, 2] == 0 and cells[2, 7] == 0)
    assert same_bits(painted[5:], own[5:])
    tab.click("undo")
    tab.says("changes", "The map is the branch's own.")
    hand("pointerdown", "touch", 100, 60)
    tab.until_sent(lambda cells: cells[7, 12] == 0)
    hand("pointerdown", "pen", 20, 20)
    hand("pointermove", "touch", 110, 60)
    hand("pointerup", "pen", 20, 20)
    hand("pointerup", "touch", 110, 60)
    painted = tab.until_sent(lambda cells: cells[2, 2] == 0)
    assert same_bits(painted[5:], own[5:])
    tab.click("undo")
    tab.says("changes", "The map is the branch's own.")
    hand("pointerdown", "pen", 20, 20)
    hand("lostpointercapture", "pen", 20, 20)  # its end is never heard of
    hand("pointerdown", "touch", 100, 60)
    hand("pointerup", "touch", 100, 60)
    tab.until_sent(lambda cells: cells[2, 2] == 0 and cells[7, 12] == 0)
    tab.click("reset")
    tab.page.mouse.move(*tab.place(20, 20))
    tab.page.mouse.down()
    tab.page.keyboard.press("Shift+ArrowDown")
    tab.page.keyboard.press("Space")
    tab.page.mouse.up()
    tab.until_sent(lambda cells: cells[2, 2] == 0 and cells[7, 2] == 0)
    tab.click("undo")
    tab.until_sent(lambda cells: cells[2, 2] == 0 and cells[7, 2] != 0)
    tab.click("undo")
    tab.says("changes", "The map is the branch's own.")


def test_the_keys_move_the_picture_and_the_brush_stays_in_sight(tab: Tab) -> None:
    keys = tab.page.keyboard
    tab.brush(1)
    tab.page.locator("#stage").focus()
    for key in ("m", "Space", "Enter"):
        keys.press(key)
    assert tab.page.locator("#undo").is_disabled()  # Move paints nothing
    for key in ["+"] * 4 + ["Shift+ArrowRight"] * 2:
        keys.press(key)
    keys.press("e")
    box = tab.page.locator("#stage").bounding_box()
    scale = 1.4**4 * min(box["width"] / SIZE[0], box["height"] / SIZE[1])
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 4 * scale
    tab.page.mouse.click(x, y)
    cells = tab.until_sent(lambda cells: (cells == 0).any())
    moved = 80 - 2 * 5 * 40 / scale  # what is in the middle now
    assert np.argwhere(cells == 0).tolist() == [[6, int(moved / 8)]]
    for _ in range(4):
        keys.press("Shift+ArrowRight")  # to the image's last cell, which was out of sight
    tab.page.mouse.click(box["x"] + box["width"] - 25, y)
    tab.until_sent(lambda cells: cells[6, 19] == 0)


def test_side_by_side_both_pictures_can_be_painted(tab: Tab) -> None:
    page = tab.page
    page.locator("#view").select_option("beside")
    tab.brush(1)
    box = page.locator("#stage").bounding_box()
    half = box["width"] / 2 - 2
    scale = min(half / SIZE[0], box["height"] / SIZE[1])
    left, top = (half - scale * SIZE[0]) / 2, (box["height"] - scale * SIZE[1]) / 2
    for shift, u in ((0, 4), (box["width"] / 2 + 2, 84)):
        page.mouse.move(box["x"] + shift + left + scale * u, box["y"] + top + scale * 12)
        page.mouse.down()
        page.mouse.up()
    cells = tab.until_sent(lambda cells: cells[1, 0] == 0 and cells[1, 10] == 0)
    assert np.argwhere(cells == 0).tolist() == [[1, 0], [1, 10]]
    page.mouse.move(box["x"] + half - 40, box["y"] + top + scale * 60)
    page.mouse.down()  # a stroke that leaves its picture does not go on in the other
    page.mouse.move(box["x"] + half + 40, box["y"] + top + scale * 60, steps=5)
    page.mouse.up()
    crossed = tab.until_sent(lambda cells: cells[7].min() == 0)
    assert crossed[7, :15].min() > 0


def test_in_a_small_window_nothing_lies_over_something_else(
    chromium: Any, detector_path: Path, roads: Dataset, tmp_path: Path
) -> None:
    run = write_attention(tmp_path / "run", detector_path, TALKATIVE, synthesis="residual")
    context = chromium.new_context(viewport={"width": 1000, "height": 600})
    with editor(run, roads.path, tmp_path / "edits") as server:
        tab = Tab(context).open(server.url)
        names = ("tools", "warning", "stage-frame", "save-row", "results")
        boxes = [tab.page.locator(f"#{name}").bounding_box() for name in names]
        for above, below in itertools.pairwise(boxes):
            assert above["y"] + above["height"] <= below["y"] + 1
        tops = [tab.page.locator(f"#{name}").bounding_box()["y"] for name in ("before", "after")]
        assert tops[0] == tops[1]
    assert tab.problems == []
    context.close()


def test_fingers_on_a_small_screen(chromium: Any, server: EditorServer) -> None:
    context = chromium.new_context(
        viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True
    )
    tab = Tab(context).open(server.url).first()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
    for name in ("erase", "add", "undo", "empty", "save", "before", "after"):
        box = tab.page.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    tab.brush(2)
    touch = context.new_cdp_session(tab.page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    own = tab.branch()
    fingers("touchStart", tab.place(20, 20))
    fingers("touchMove", tab.place(60, 20))
    fingers("touchEnd")
    painted = tab.until_sent(lambda cells: cells[2, 7] == 0)
    assert same_bits(painted[5:], own[5:])
    one, other = tab.place(70, 50), tab.place(90, 50)
    fingers("touchStart", one)
    fingers("touchStart", one, other)
    for far in (10, 20, 30):
        fingers("touchMove", (one[0] - far, one[1]), (other[0] + far, other[1]))
    fingers("touchEnd")
    tab.page.wait_for_timeout(300)
    assert same_bits(tab.sent[-1].reshape(CELLS), painted)  # two fingers paint nothing
    fingers("touchStart", tab.place(80, 48))  # the middle stays, zoomed in
    fingers("touchEnd")
    zoomed = tab.until_sent(lambda cells: cells[5:7, 9:11].min() == 0)
    assert same_bits(zoomed[9:], own[9:])
    tab.click("open-queue")
    tab.page.locator("#rows button").nth(1).click()
    tab.until(lambda: not tab.page.locator("#queue").is_visible())
    assert tab.problems == []
    context.close()


def test_an_image_larger_than_the_screen(chromium: Any, model: Path, tmp_path: Path) -> None:
    size = (3200, 1600)
    folder = tmp_path / "images"
    folder.mkdir()
    rows = np.linspace(0, 255, size[1]).astype(np.uint8)[:, None, None]
    cv2.imwrite(str(folder / "large.jpg"), np.broadcast_to(rows, (size[1], size[0], 3)))
    context = chromium.new_context(viewport={"width": 1000, "height": 600})
    with editor(model, folder, tmp_path / "edits") as server:
        tab = Tab(context, size).open(server.url)
        tab.brush(1)
        at = tab.place(2404, 404)  # cell 300 of row 50
        tab.page.mouse.move(*at)
        for _ in range(12):
            tab.page.mouse.wheel(0, -200)
        tab.page.mouse.down()
        tab.page.mouse.up()
        tab.until(lambda: tab.sent)
        cells = tab.sent[-1].reshape(200, 400)
        zero = np.argwhere(cells == 0)
        assert len(zero) == 1
        assert np.abs(zero[0] - (50, 300)).max() <= 1
        tab.page.keyboard.press("0")
        tab.page.keyboard.press("v")
        tab.page.keyboard.press("v")
        assert tab.page.locator("#view").input_value() == "map"
    assert tab.problems == []
    context.close()


def test_the_keyboard_alone(tab: Tab) -> None:
    page = tab.page
    page.keyboard.press("?")
    page.locator("#help").wait_for()
    assert "Arrows" in tab.text("keys")
    page.keyboard.press("Escape")
    page.locator("#help").wait_for(state="hidden")
    page.locator("#stage").focus()
    tab.brush(1)
    page.locator("#stage").focus()
    page.keyboard.press("a")
    assert page.locator("#add").get_attribute("aria-checked") == "true"
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    cells = tab.until_sent(lambda cells: (cells == 1).sum() == 1)
    assert np.argwhere(cells == 1).tolist() == [[5, 5]]
    page.keyboard.press("e")
    page.keyboard.press("Enter")
    tab.until_sent(lambda cells: cells[5, 5] == 0)
    page.keyboard.press("u")
    tab.until_sent(lambda cells: cells[5, 5] == 1)
    page.keyboard.press("y")
    tab.until_sent(lambda cells: cells[5, 5] == 0)
    before = tab.text("image-name")
    page.locator("#note").fill("end")  # letters in a field are no keys
    page.keyboard.type("xnd")
    assert page.locator("#note").input_value() == "endxnd"
    assert tab.text("image-name") == before
    page.locator("#stage").focus()
    page.keyboard.press("d")  # save and go on
    tab.until(lambda: tab.text("image-name") != before)
    page.keyboard.press("b")
    tab.until(lambda: tab.text("image-name") == before)
    tab.says("notices", "Corrected by")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(
    chromium: Any, model: Path, detector_path: Path, roads: Dataset, tmp_path: Path, scheme: str
) -> None:
    run = write_attention(tmp_path / "run", detector_path, TALKATIVE, synthesis="residual")
    with editor(run, roads.path, tmp_path / "edits") as server:
        context = chromium.new_context(color_scheme=scheme)
        tab = Tab(context).open(server.url)
        tab.says("warning", "cannot suppress")
        for name in ("body", "#warning", "#save", "#counts"):
            text, back = tab.page.locator(name).evaluate(
                """node => {
                    let behind = node;
                    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)")
                      behind = behind.parentElement;
                    return [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor];
                }"""
            )
            assert contrast(text, back) >= 4.5, name
        dark = contrast("rgb(0, 0, 0)", tab.page.evaluate(
            "getComputedStyle(document.body).backgroundColor")) < 2  # fmt: skip
        assert dark == (scheme == "dark")
        assert tab.problems == []
        context.close()


def contrast(one: str, other: str) -> float:
    """WCAG 2: (lighter + 0.05) / (darker + 0.05) of relative luminance."""
    luminances = []
    for colour in (one, other):
        parts = [float(part) / 255 for part in colour.strip("rgba()").split(",")[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        luminances.append(float(np.dot(linear, [0.2126, 0.7152, 0.0722])))
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def test_an_image_that_vanishes_is_said_and_the_others_stay(
    chromium: Any, model: Path, roads: Dataset, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(roads.path, data)
    context = chromium.new_context()
    with editor(model, data, tmp_path / "edits") as server:
        tab = Tab(context).open(server.url)
        tab.page.locator("[name=branch]").select_option("all")
        tab.until(lambda: tab.page.locator("#rows button").count() == 4)
        shown = tab.text("image-name")
        rows = tab.page.locator("#rows button").all()
        other = next(row for row in rows if row.get_attribute("aria-current") != "true")
        (data / "images" / other.inner_text().split("\n")[0]).unlink()
        other.click()
        tab.says("messages", "no such file")
        tab.says("problems", "1 cannot be used")
        assert tab.text("image-name") == shown
        tab.page.locator("#stage").focus()
        tab.page.keyboard.press("x")
        tab.until_sent(lambda cells: not cells.any())
    assert tab.problems == []
    context.close()


def test_of_a_classifier_the_class_it_names_is_said_and_the_true_one(
    chromium: Any, tmp_path: Path
) -> None:
    names = tuple(f"class{number:02d}" for number in range(12))
    model = write_image_run(tmp_path / "run", Make(CLASSIFICATION, names, 3, True))
    noise = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    for name in names:
        (tmp_path / "images" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "images" / name / "a.png"), noise)
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    with editor(model, tmp_path / "images", tmp_path / "edits") as server:
        tab = Tab(context).open(server.url)
        tab.page.locator("[name=branch]").select_option("all")
        rows = tab.page.locator("#rows button")
        tab.until(lambda: rows.count() == 12)
        named = tab.text("before-text").split()[0]  # of all images: they are the same
        for name in names:
            rows.get_by_text(name).click()
            tab.until(lambda name=name: name in tab.text("image-name"))
            assert (f"not {name}" in tab.text("before-text")) == (name != named)
            assert ("1 wrong class" in tab.text("after-text")) == (name != named)
            assert f"{name} (true)" in tab.text("changes")
            assert tab.page.locator("#changes li").count() in (10, 11)
    assert tab.problems == []
    context.close()
