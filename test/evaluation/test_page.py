"""Parts of a report's page: what is unknown, what must be escaped, how large a picture gets."""

from __future__ import annotations

import base64
import math
import re

import cv2
import numpy as np

from dalearn_ros.evaluation.page import PICTURE_WIDTH, cards, number, page, picture, table

BAD = '<b>"x" & y'
GOOD = "&lt;b&gt;&quot;x&quot; &amp; y"


def test_numbers() -> None:
    assert number(3) == "3"
    assert number(1.256, 2, "px") == "1.26 px"
    assert number(None) == number(math.nan) == number(math.inf, 1, "m") == "–"


def test_texts_are_escaped_everywhere() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    for html in (table([BAD], [[BAD]]), cards([(BAD, BAD, BAD)]), picture(image, BAD)):
        assert BAD not in html
        assert html.count(GOOD) >= 2
    assert f"<title>{GOOD}</title>" in page(BAD, ["<p>part</p>"])
    assert "<p>part</p></main>" in page(BAD, ["<p>part</p>"])


def test_pictures_are_shrunk_to_the_page_and_never_enlarged() -> None:
    for width, wanted in ((200, 200), (2 * PICTURE_WIDTH, PICTURE_WIDTH)):
        html = picture(np.full((width // 2, width, 3), 90, np.uint8), "a picture")
        found = re.search(r"base64,([^\"]+)", html)
        assert found is not None
        shown = cv2.imdecode(np.frombuffer(base64.b64decode(found[1]), np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None
        assert shown.shape == (wanted // 2, wanted, 3)
