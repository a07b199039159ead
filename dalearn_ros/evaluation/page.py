"""What the pages of reports are made of: numbers, tables, cards, pictures, the page itself."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.report_style import STYLE

Image = npt.NDArray[np.uint8]
PICTURE_WIDTH = 960


def page(title: str, parts: Sequence[str], script: str = "") -> str:
    """One HTML file that needs no other.

    Args:
        title: Plain text.
        parts: HTML.
        script: JavaScript that runs when the page is there; the page must make sense without it.
    """
    code = f"<script>{script}</script>" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main>{code}</body></html>\n"
    )


def number(value: Any, digits: int = 2, unit: str = "") -> str:
    """A figure for people; a dash for what is unknown."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    text = f"{value}" if isinstance(value, int) else f"{value:.{digits}f}"
    return f"{text} {unit}".strip()


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """An HTML table; the first column is text, the others are figures. Cells are escaped.

    Args:
        head: Headings.
        rows: Cells.
        kind: CSS class; ``wide`` for long texts that may break anywhere.
    """
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll {kind}"><table><tr>{top}</tr>{body}</table></div>'


def cards(entries: Sequence[tuple[str, str, str]]) -> str:
    """The few figures that count: (name, figure, note) of each."""
    cells = "".join(
        f'<div class="card"><div>{html.escape(name)}</div><b>{html.escape(value)}</b>'
        f"<div>{html.escape(note)}</div></div>"
        for name, value, note in entries
    )
    return f'<div class="cards">{cells}</div>'


def picture(image: Image, text: str) -> str:
    """A picture within the page, with a line below it.

    Args:
        image: (H, W, 3) BGR.
        text: Plain text.
    """
    height = round(image.shape[0] * PICTURE_WIDTH / image.shape[1])
    if image.shape[1] > PICTURE_WIDTH:
        image = np.asarray(
            cv2.resize(image, (PICTURE_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    _, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 82])
    data = base64.b64encode(buffer.tobytes()).decode("ascii")
    return (
        f'<figure><img alt="{html.escape(text)}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{html.escape(text)}</figcaption></figure>"
    )
