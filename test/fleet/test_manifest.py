"""Whose results are in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet
import pytest
from helpers.fleet_work import run_words, write_map

from dalearn_ros.core.errors import InputError
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.manifest import MANIFEST, Manifest
from dalearn_ros.fleet.parts import BagWork, Job, Processed
from dalearn_ros.fleet.run import depends_on


@dataclass(frozen=True)
class WithDataset:
    """A bag's text becomes a dataset and a row; every time is counted."""

    times: list[str]

    def __call__(self, bag: FleetBag, folder: Path) -> Processed:
        text = bag.bag.read_text()
        self.times.append(text)
        (folder / "dataset").mkdir()
        (folder / "dataset" / "annotations.json").write_text(text)
        return Processed(1, {}, {}, {"frames": {"file_name": [text]}})


@pytest.fixture
def labelling(tmp_path: Path) -> tuple[BagWork, Job]:
    write_map(tmp_path / "map", "a city")
    (tmp_path / "a.mcap").write_text("first")
    work = BagWork(tmp_path / "out", WithDataset([]))
    return work, Job(FleetBag("a", tmp_path / "a.mcap", tmp_path / "map"))


def labelled(out: Path) -> str:
    return (out / "datasets" / "a" / "annotations.json").read_text()


def crash(*args: object) -> None:
    raise OSError("a crash")


@pytest.mark.parametrize("text", ["first", "second"])
def test_a_crash_between_dataset_and_line(
    labelling: tuple[BagWork, Job], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """The dataset is moved, the line is not written; the bag may be another one the next time."""
    work, job = labelling
    with Manifest.open(work.out, {}) as manifest, monkeypatch.context() as patched:
        patched.setattr(Manifest, "_append", crash)
        with pytest.raises(OSError, match="a crash"):
            manifest.seal([(work(job), 1)])
    assert labelled(work.out) == "first"
    job.bag.bag.write_text(text)
    with Manifest.open(work.out, {}) as manifest:
        assert not list((work.out / "datasets").iterdir())
        manifest.seal([(work(job), 1)])
    assert labelled(work.out) == text
    times = work.process.times  # type: ignore[attr-defined]
    assert times == (["first"] if text == "first" else ["first", "second"])


def test_a_dataset_without_part_and_line_is_removed(labelling: tuple[BagWork, Job]) -> None:
    work, job = labelling
    with Manifest.open(work.out, {}):
        (work.out / "datasets" / "a").mkdir(parents=True)
        (work.out / "datasets" / "a" / "old").touch()
    with Manifest.open(work.out, {}) as manifest:
        manifest.seal([(work(job), 1)])
    with Manifest.open(work.out, {}):  # one that is in stays
        assert labelled(work.out) == "first"


@pytest.mark.parametrize("damage", ["cut", "rows"])
def test_a_torn_part_is_done_again(labelling: tuple[BagWork, Job], damage: str) -> None:
    work, job = labelling
    with Manifest.open(work.out, {}) as manifest:
        work(job)
        file = work.out / "parts" / "a" / "frames.parquet"
        if damage == "cut":
            file.write_bytes(file.read_bytes()[:-9])
        else:
            table = pyarrow.parquet.read_table(file)
            pyarrow.parquet.write_table(table.slice(0, 0), file)
        manifest.seal([(work(job), 1)])
        (shard,) = manifest.committed()
    assert pyarrow.parquet.read_table(work.out / shard["files"]["frames"]).num_rows == 1
    assert work.process.times == ["first", "first"]  # type: ignore[attr-defined]


def test_a_shard_that_is_gone_is_named(labelling: tuple[BagWork, Job]) -> None:
    work, job = labelling
    with Manifest.open(work.out, {}) as manifest:
        manifest.seal([(work(job), 1)])
        (shard,) = manifest.committed()
    (work.out / shard["files"]["frames"]).unlink()
    with pytest.raises(InputError, match=r"frames-00000.parquet: expected a shard, found no such"):
        with Manifest.open(work.out, {}):
            pass


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
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]  # left as it was
    with pytest.raises(InputError, match="expected a folder for the results, found a file"):
        with Manifest.open(tmp_path / "letter.txt", {}):
            pass


def test_what_a_killed_process_left_is_nothing_else(tmp_path: Path) -> None:
    """Killed between the temporary file and its new name: the first line, and a shard."""
    for place in (tmp_path, tmp_path / "shards"):
        place.mkdir(exist_ok=True)
        (place / ".manifest.77.part.jsonl").touch()
    (tmp_path / "shards").rename(tmp_path.with_name("shards"))
    with Manifest.open(tmp_path, {}):
        tmp_path.with_name("shards").rename(tmp_path / "shards")
    with Manifest.open(tmp_path, {}):
        assert not list(tmp_path.rglob("*.part*"))


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
