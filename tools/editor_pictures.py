"""The pictures of the attention editor in the docs, made with Chromium.

    python tools/editor_pictures.py --model RUN --data DATASET

The run needs an attention branch; the first image that is listed is painted on.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from dalearn_ros.attention.editing import open_session  # noqa: E402
from dalearn_ros.attention.page_data import Offer  # noqa: E402
from dalearn_ros.attention.server import EditorServer  # noqa: E402

# name: width, height, dark, phone, view
PICTURES: dict[str, tuple[int, int, bool, bool, str]] = {
    "attention_editor": (1280, 800, False, False, "over"),
    "attention_editor_dark": (1280, 800, True, False, "beside"),
    "attention_editor_phone": (360, 740, False, True, "over"),
}


def take(browser: Browser, url: str, name: str, out: Path) -> Path:
    """Open the editor, erase along a stroke, and keep what is seen."""
    width, height, dark, phone, view = PICTURES[name]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=phone,
        is_mobile=phone,
        device_scale_factor=2 if phone else 1,
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready=yes]", timeout=120_000)
    page.locator("#view").select_option(view)
    page.locator("#size").fill("10")
    paint(page)
    page.wait_for_function("document.getElementById('took').textContent !== ''", timeout=60_000)
    page.wait_for_timeout(1000)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    file = out / f"{name}.png"
    picture.quantize(192, dither=Image.Dither.NONE).save(file, optimize=True)
    return file


def paint(page: Any) -> None:
    """Erase around the best landmark of the answer before, or in the middle."""
    box = page.locator("#stage").bounding_box()
    width, height = page.evaluate(
        "document.getElementById('image-name').textContent.match(/(\\d+) x (\\d+)/).slice(1)"
    )
    scale = min(box["width"] / int(width), box["height"] / int(height))
    view = page.locator("#view").input_value()
    if view == "beside":
        scale = min(box["width"] / 2 / int(width), box["height"] / int(height))
    answer = page.evaluate(
        "import('/page/api.js').then(api => api.look("
        "document.querySelector('[aria-current=true]').dataset.index))"
        ".then(about => about.answer.landmarks)"
    )
    u, v = answer[0]["point"] if answer else (int(width) / 2, int(height) / 2)
    room = box["width"] / (2 if view == "beside" else 1)
    left = box["x"] + (room - scale * int(width)) / 2
    top = box["y"] + (box["height"] - scale * int(height)) / 2
    x, y = left + scale * u, top + scale * v
    page.mouse.move(x - 12, y - 6)
    page.mouse.down()
    page.mouse.move(x + 12, y + 6, steps=6)
    page.mouse.up()


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="run with an attention branch")
    parser.add_argument("--data", type=Path, required=True, help="labelled dataset")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures")
    parser.add_argument("--only", choices=sorted(PICTURES), help="one of them")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        session = open_session(args.model, args.data, Path(folder) / "edits")
        while session.advance():
            pass
        server = EditorServer(session, "127.0.0.1", 0, Offer("Ada"))
        server.start()
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in [args.only] if args.only else PICTURES:
            print(take(browser, server.url, name, args.out))
        browser.close()
        server.stop()


if __name__ == "__main__":
    main()
