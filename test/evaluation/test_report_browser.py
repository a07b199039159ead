"""The report in a real browser: Debian's Chromium, without a screen and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from helpers.browser import MARKS, browser

from dalearn_ros.evaluation import gallery
from dalearn_ros.evaluation.replay import evaluate_bag
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.landmarks.types import Observations

pytestmark = MARKS
WIDTHS = (1280, 390)  # a desk, a phone
VISIBLE = "[...document.querySelectorAll('.frame[data-errors]')].filter(f => !f.hidden).length"
DOTS = "[...document.querySelectorAll('[data-class]')].map(g => getComputedStyle(g).display)"


@pytest.fixture(scope="module")
def report(drive: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two seconds with a detector that sees nothing in every second image."""
    detector = LandmarkDetector.load(drive.model, 1)

    class Sleepy:
        label_space = detector.label_space
        last_timing_ms: ClassVar[dict[str, float]] = {"inference": 1.0}

        def detect(self, image_bgr: Any, stamp_ns: int = 0) -> Observations:
            if stamp_ns // 100_000_000 % 2:
                return Observations.empty(stamp_ns)
            return detector.detect(image_bgr, stamp_ns)

    out = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "APART_NS", 400_000_000)
        evaluate_bag(drive.bag, drive.map, Sleepy()).write(out)
    return out / "report.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture
def tab(chromium: Any, report: Path) -> Iterator[Any]:
    """The report at the desk; any request and any error of the page fails the test."""
    problems: list[str] = []
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto(report.as_uri())
    yield page
    context.close()
    assert not problems


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_and_text_can_be_read(tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    # Letters of the charts, in pixels of the screen.
    sizes = tab.evaluate(
        "[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect())"
        ".map(b => Math.min(b.width, b.height)).filter(v => v > 0)"
    )
    assert len(sizes) > 20
    assert sorted(sizes)[len(sizes) // 2] > 7.0
    pictures = tab.evaluate(
        "[...document.querySelectorAll('.frame:not([hidden]) img')].map(i => i.naturalWidth)"
    )
    assert pictures and min(pictures) > 300


def test_the_summary_comes_first(tab: Any) -> None:
    tops = [
        tab.evaluate(f"document.querySelector('{part}').getBoundingClientRect().top")
        for part in ("h1", ".summary", ".cards", "h2")
    ]
    assert tops == sorted(tops) and tops[2] < 900
    assert "It should see" not in tab.inner_text(".summary li")
    assert "landmarks that it should see" in tab.inner_text(".summary")


def test_the_filter_chooses_frames_and_dots(tab: Any) -> None:
    bar = tab.locator("#filter")
    assert bar.is_visible()
    at_first = tab.evaluate(VISIBLE)
    assert at_first == 4
    assert bar.locator("[name=kind] option").all_inner_texts() == ["all", "missed"]
    assert bar.locator("[name=class] option").all_inner_texts() == ["all", "warning_sign"]
    bar.locator("[name=class]").select_option("warning_sign")
    bar.locator("[name=kind]").select_option("missed")
    chosen = tab.evaluate(VISIBLE)
    assert chosen >= 4
    assert bar.locator("output").inner_text() == f"{chosen} frames"
    # No frame has an error that the lists do not name.
    tab.evaluate(
        "(() => { const s = document.querySelector('[name=kind]');"
        "s.add(new Option('false alarms', 'false')); s.value = 'false';"
        "s.dispatchEvent(new Event('change')); })()"
    )
    assert tab.evaluate(VISIBLE) == 0
    assert bar.locator("output").inner_text() == "0 frames"
    assert tab.evaluate(DOTS) == ["inline"]
    tab.evaluate(
        "(() => { const s = document.querySelector('[name=class]');"
        "s.add(new Option('arrow', 'arrow')); s.value = 'arrow';"
        "s.dispatchEvent(new Event('change')); })()"
    )
    assert tab.evaluate(DOTS) == ["none"]


def test_a_click_enlarges_a_frame(tab: Any) -> None:
    picture = tab.locator(".frame:not([hidden]) img").first
    before = picture.bounding_box()["width"]
    picture.click()
    assert picture.bounding_box()["width"] > 1.5 * before
    picture.click()
    assert picture.bounding_box()["width"] == before


def test_on_paper_the_filter_is_gone_and_tables_are_whole(tab: Any, tmp_path: Path) -> None:
    tab.set_viewport_size({"width": 720, "height": 1000})
    tab.emulate_media(media="print")
    assert not tab.locator("#filter").is_visible()
    assert tab.evaluate(
        "[...document.querySelectorAll('.scroll')].every(s => s.scrollWidth <= s.clientWidth + 1)"
    )
    tab.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 20_000


def test_without_scripts_the_worst_frames_are_there(chromium: Any, report: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert not page.locator("#filter").is_visible()
    assert page.locator(".frame[data-worst=yes] img").first.is_visible()
    context.close()
