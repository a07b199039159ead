"""The documents say what the results on disk say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_block_of_figures_equals_its_source() -> None:
    command = [sys.executable, str(ROOT / "benchmarks/figures.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/results").glob("*.json")), ids=str)
def test_every_result_names_its_command_machine_and_date(path: Path) -> None:
    content = json.loads(path.read_text())
    for key in ("command", "machine", "date", "versions", "rows"):
        assert content.get(key), f"{path.name} lacks {key}"
    script = re.search(r"benchmarks/\w+\.py", content["command"])
    if script:
        assert (ROOT / script.group()).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
