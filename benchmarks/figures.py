"""Figures with a source: results on disk, and the tables in the docs that are made from them.

A benchmark calls :func:`record`; it writes ``benchmarks/results/NAME.json`` with rows of figures
and the command, machine, date and versions they came from. A document shows them in a block::

    <!-- figures: NAME -->
    (made by this file)
    <!-- end figures -->

``python benchmarks/figures.py`` rewrites all blocks; ``--check`` only says which are out of date
and exits with 1. The test suite runs the check, so a figure in a block always has its source.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dalearn_ros.core.files import write_json  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
BLOCK = re.compile(r"(<!-- figures: ([\w.-]+) -->\n)(.*?)(<!-- end figures -->)", re.DOTALL)
SOURCE_KEYS = {"command", "machine", "date", "versions", "rows"}
PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "torch", "torchvision", "panda3d")


def machine() -> str:
    """Processor, number of cores and Python, in words."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    return f"{cpu}, {os.cpu_count()} cores, CPython {platform.python_version()}"


def versions() -> dict[str, str]:
    """Versions of the packages that figures depend on, as far as they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def record(name: str, command: str, rows: Sequence[Mapping[str, Any]], note: str = "") -> Path:
    """Write ``benchmarks/results/NAME.json``.

    Args:
        name: Name of the result and of the block in the docs.
        command: The command line that makes these figures again.
        rows: One mapping a table row, all with the same keys; a key is a column's heading.
        note: A sentence under the table.

    Returns:
        The file.
    """
    content = {
        "command": command,
        "machine": machine(),
        "date": datetime.date.today().isoformat(),
        "versions": versions(),
        "note": note,
        "rows": [list(row.items()) for row in rows],
    }
    path = RESULTS / f"{name}.json"
    write_json(path, content)
    return path


def table(name: str) -> str:
    """The Markdown of one result: table, command, machine and date."""
    path = RESULTS / f"{name}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    missing = SOURCE_KEYS - content.keys()
    if missing or not content["rows"]:
        raise ValueError(f"{path}: a result needs rows and {sorted(SOURCE_KEYS)}; lacks {missing}")
    heads = [key for key, _ in content["rows"][0]]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in content["rows"]:
        lines.append("| " + " | ".join(_text(value) for _, value in row) + " |")
    source = f"`{content['command']}` · {content['machine']} · {content['date']}"
    lines += ["", *([content["note"]] if content.get("note") else []), source]
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def refresh(path: Path, check: bool) -> bool:
    """Rewrite the blocks of one document; True if it was (or, with ``check``, would be) changed."""
    old = path.read_text(encoding="utf-8")
    new = BLOCK.sub(lambda m: m.group(1) + table(m.group(2)) + m.group(4), old)
    if new != old and not check:
        path.write_text(new, encoding="utf-8")
    return new != old


def documents() -> list[Path]:
    """The documents that may hold blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "models/README.md"]


def main() -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if outdated")
    check = parser.parse_args().check
    changed = [path for path in documents() if path.exists() and refresh(path, check)]
    for path in changed:
        print(f"{path.relative_to(ROOT)}: {'is out of date' if check else 'rewritten'}")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
