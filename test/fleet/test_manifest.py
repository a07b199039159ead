"""Whose results are in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.fleet_work import run_words

from dalearn_ros.core.errors import InputError
from dalearn_ros.fleet.manifest import MANIFEST, Manifest
from dalearn_ros.fleet.run import depends_on


@pytest.fixture
def out(tmp_path: Path) -> Path:
    with Manifest.open(tmp_path / "out", depends_on("evaluate", {"model_sha256": "1"})):
        return tmp_path / "out"


@pytest.mark.parametrize(
    ("depends", "key"),
    [
        (depends_on("evaluate", {"model_sha256": "2"}), "model_sha256"),
        (depends_on("label", {"model_sha256": "1"}), "kind"),
        ({**depends_on("evaluate", {"model_sha256": "1"}), "dalearn_ros": "0.0.1"}, "dalearn_ros"),
        (depends_on("evaluate", {"model_sha256": "1", "zoom": True}), "zoom"),
    ],
)
def test_results_of_something_else_are_refused(out: Path, depends: object, key: str) -> None:
    with pytest.raises(InputError, match=f"holds results with another '{key}'; choose another"):
        with Manifest.open(out, depends):  # type: ignore[arg-type]
            pass


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(InputError, match="holds something else; choose another --out"):
        with Manifest.open(tmp_path, {}):
            pass
    with pytest.raises(InputError, match="expected a folder for the results, found a file"):
        with Manifest.open(tmp_path / "letter.txt", {}):
            pass


def test_one_process_at_a_time(out: Path) -> None:
    depends = depends_on("evaluate", {"model_sha256": "1"})
    with Manifest.open(out, depends):
        with pytest.raises(InputError, match="another process is at these results"):
            with Manifest.open(out, depends):
                pass
    with Manifest.open(out, depends) as manifest:
        assert manifest.known == {} and manifest.shards == 0


@pytest.mark.parametrize(("line", "text"), [(1, "{"), (2, "no JSON"), (2, '{"shard": 0}')])
def test_a_damaged_manifest_is_named(tmp_path: Path, line: int, text: str) -> None:
    run_words(tmp_path, ["a", "bb", "c"], shard_bags=1)
    path = tmp_path / "out" / MANIFEST
    lines = path.read_text().splitlines()
    lines[line - 1] = text
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=f"{MANIFEST}, line {line}: is damaged"):
        run_words(tmp_path, ["a", "bb", "c"])
