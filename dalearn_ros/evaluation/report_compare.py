"""The page of a comparison: what differs for sure, then all figures."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.core.files import atomic_file, write_json
from dalearn_ros.evaluation.bootstrap import UNIT_WORDS
from dalearn_ros.evaluation.page import number, page, table

PAGE = "compare.html"
HEAD = ["figure", "A", "B", "B - A", "95 %", "better"]


def compare_page(found: Mapping[str, Any]) -> str:
    """One HTML file.

    Args:
        found: The content of ``compare.json``, not yet rounded.
    """
    rows = [_row(row) for row in found["figures"]]
    sure = [row["says"] for row in found["figures"] if row["better"]]
    said = "".join(f"<li>{html.escape(text)}</li>" for text in sure)
    unit = UNIT_WORDS[found["unit"]]
    how = (
        f"{found['frames']} frames, a hit within {found['match_px']:g} px. Intervals: paired "
        f"bootstrap over {found['units']} {unit}. Of twenty figures without any difference about "
        "one comes out as one."
    )
    inputs = table(["", "folder"], [["A", found["a"]], ["B", found["b"]]], "wide")
    parts = [
        "<h1>Comparison of two models</h1>",
        f"<ul>{said}</ul>" if said else "<p>No figure differs by more than chance.</p>",
        table(HEAD, rows),
        f"<p>{html.escape(how)}</p>",
        inputs,
    ]
    return page("Comparison of two models", parts)


def write_compare(out: Path, found: Mapping[str, Any]) -> None:
    """Write ``compare.json`` and ``compare.html``.

    Args:
        out: The folder.
        found: Of :func:`evaluation.compare.compare`.

    Raises:
        InputError: They cannot be written.
    """
    with atomic_file(out / PAGE) as part:
        part.write_text(compare_page(found), encoding="utf-8")
    write_json(out / "compare.json", found)


def _row(row: Mapping[str, Any]) -> list[str]:
    ends = [number(row[key], 3) for key in ("low", "high")]
    values = [number(row[key], 3) for key in ("a", "b", "difference")]
    return [row["label"], *values, " to ".join(ends), row["better"] or "–"]
