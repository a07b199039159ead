"""The page of a comparison: what differs for sure, then all figures."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.core.files import atomic_file, write_json
from dalearn_ros.evaluation.page import number, page, table
from dalearn_ros.evaluation.units import LEAST_UNITS, unit_text

PAGE = "compare.html"
HEAD = ["figure", "A", "B", "B - A", "95 % interval", "p", "better"]


def compare_page(found: Mapping[str, Any]) -> str:
    """One HTML file.

    Args:
        found: The content of ``compare.json``, not yet rounded.
    """
    rows = [_row(row) for row in found["figures"]]
    sure = [row["says"] for row in found["figures"] if row["better"]]
    said = "".join(f"<li>{html.escape(text)}</li>" for text in sure)
    units = unit_text(found["units"], found["unit"])
    how = f"{found['frames']} frames, a hit within {found['match_px']:g} px. "
    if found["draws"]:
        none = "No figure differs by more than chance."
        how += (
            f"Intervals: paired bootstrap over {units}. p: how often a difference as large comes "
            "of exchanging the answers of both models in some of them by chance; F1 is the main "
            "figure, the p of the others is corrected for their number (Holm). Errors are of what "
            "both models found."
        )
    else:
        none = f"Too little to tell: {units}, {LEAST_UNITS} or more are needed."
        how += "Nothing was drawn, so there are no intervals."
    inputs = table(["", "folder"], [["A", found["a"]], ["B", found["b"]]], "wide")
    parts = [
        "<h1>Comparison of two models</h1>",
        f"<ul>{said}</ul>" if said else f"<p>{none}</p>",
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
    return [
        row["label"],
        *values,
        " to ".join(ends),
        number(row["p_holm"], 3),
        row["better"] or "–",
    ]
