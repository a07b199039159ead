"""Parts of the editor that need no server: worker, queue, changes, pictures, the page's files."""

from __future__ import annotations

import configparser
import dataclasses
import fnmatch
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tiny_attention import write_image_run
from helpers.tiny_attention_run import write_attention

from dalearn_ros.attention import seen as seen_module
from dalearn_ros.attention.changes import changes
from dalearn_ros.attention.classifier_run import REGRESSION, Make
from dalearn_ros.attention.editing import open_session
from dalearn_ros.attention.misrecognised import Verdict
from dalearn_ros.attention.opening import open_viewer
from dalearn_ros.attention.page_data import image_json
from dalearn_ros.attention.pictures import CLASS, LANDMARKS, NUMBERS, open_pictures
from dalearn_ros.attention.queue import Entry, Filter, Queue
from dalearn_ros.attention.routes import page_files
from dalearn_ros.attention.viewing import Answer
from dalearn_ros.attention.worker import OutdatedError, Worker
from dalearn_ros.core.errors import DatasetError, InputError, ModelError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.training.run_folder import RUN_FILE

ROOT = Path(__file__).resolve().parents[2]


def observations(*rows: tuple[int, float, float, float]) -> Observations:
    """Rows of class, u, v, score."""
    table = np.array(rows, float).reshape(-1, 4)
    return Observations.of_points(table[:, 0].astype(np.int64), table[:, 1:3], table[:, 3])


def test_the_kinds_of_change_by_hand() -> None:
    before = observations(
        (1, 10, 10, 0.9), (1, 50, 50, 0.8), (2, 90, 90, 0.7), (3, 130, 10, 0.9), (3, 160, 10, 0.5)
    )
    after = observations(
        (1, 10, 10, 0.9), (1, 53, 54, 0.8), (4, 91, 90, 0.7), (3, 160, 10, 0.9), (5, 10, 90, 0.6)
    )
    found = [(c.kind, c.before, c.after, c.distance_px) for c in changes(before, after, 20.0)]
    assert found == [
        ("gone", 3, -1, 0.0),
        ("new", -1, 4, 0.0),
        ("class", 2, 2, 1.0),
        ("moved", 1, 1, 5.0),
        ("score", 4, 3, 0.0),
    ]
    assert changes(before, before, 20.0) == []
    assert [c.kind for c in changes(observations(), observations((1, 2, 3, 0.5)), 20.0)] == ["new"]


def entry(index: int, errors: dict[str, int], branches: tuple[str, ...], score: float) -> Entry:
    verdict = Verdict(errors, (index,), score, branches)
    return Entry(index, f"f{index}", f"{index}" * 64, True, "", verdict, score)


def filled() -> Queue:
    queue = Queue(["f0", "f1", "f2", "f3", "f4"], lambda e: e, lambda index: "")
    queue.put(entry(0, {"missed": 1}, ("perception",), 0.0))
    queue.put(entry(1, {}, ("attention",), 0.6))
    queue.put(entry(2, {"missed": 2, "false alarm": 1}, ("perception", "attention"), 0.1))
    queue.put(entry(3, {}, (), 0.9))
    queue.put(dataclasses.replace(Entry(4, "f4"), judged=True, problem="gone"))
    return queue


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), [0, 2, 1]),
        (Filter(order="errors"), [2, 0, 1]),
        (Filter(order="name"), [0, 1, 2]),
        (Filter(branch="perception"), [0, 2]),
        (Filter(branch="attention"), [2, 1]),
        (Filter(branch="all"), [0, 2, 1, 3]),
        (Filter(error="false alarm"), [2]),
        (Filter(number=1), [1]),
        (Filter(below=0.3), [0, 2]),
        (Filter(edits="with"), [2]),
        (Filter(branch="all", edits="without"), [0, 1, 3]),
    ],
    ids=str,
)
def test_filters_and_order(wanted: Filter, expected: list[int]) -> None:
    assert [e.index for e in filled().select(wanted, {"2" * 64})] == expected


def test_the_counts_tell_recognised_images_that_were_corrected() -> None:
    counts = filled().counts({"2" * 64, "3" * 64})
    assert counts.__dict__ == {
        "images": 5, "judged": 5, "misrecognised": 3, "edited": 2, "edited_right": 1,
    }  # fmt: skip
    assert [e.problem for e in filled().problems()] == ["gone"]


def test_an_unknown_filter_is_named() -> None:
    with pytest.raises(InputError, match="branch: expected all or either"):
        Filter(branch="nobody")


def test_files_are_read_before_images_are_judged_where_maps_are_there() -> None:
    done: list[str] = []

    def judge(one: Entry) -> Entry:
        done.append(f"judge {one.index}")
        return dataclasses.replace(one, judged=True)

    def digest(index: int) -> str:
        done.append(f"read {index}")
        if index == 1:
            raise DatasetError("it is gone")
        return "0" * 64

    queue = Queue(["a", "b", "c"], judge, digest)
    while queue.advance(hash_first=True):
        pass
    assert done == ["read 0", "read 1", "read 2", "judge 0", "judge 2"]
    assert queue.entry(1).problem == "it is gone"


class Blocked:
    """A worker whose first job waits until it is let go."""

    def __init__(self, background: Callable[[], bool] = lambda: False) -> None:
        self.go = threading.Event()
        self.worker = Worker(background, 0.0)
        self.first: Future[bool] = self.worker.submit(self.go.wait)
        self.worker.start()


def test_of_a_kind_only_the_newest_waiting_job_is_done() -> None:
    held = Blocked()
    done: list[int] = []
    kinds = ["paint", "paint", "", "other tab", "paint"]
    futures = [held.worker.submit(lambda at=at: done.append(at), k) for at, k in enumerate(kinds)]
    held.go.set()
    futures[4].result(10)
    held.worker.stop()
    assert done == [2, 3, 4]
    for outdated in futures[:2]:
        with pytest.raises(OutdatedError):
            outdated.result(10)


def test_jobs_come_before_the_background_and_an_error_or_a_cancel_ends_nothing() -> None:
    order: list[str] = []

    def background() -> bool:
        order.append("background")
        return len(order) < 5

    held = Blocked(background)
    failing = held.worker.submit(lambda: 1 // 0)
    cancelled = held.worker.submit(lambda: order.append("never"))
    cancelled.cancel()
    last = held.worker.submit(lambda: order.append("job"))
    held.go.set()
    last.result(10)
    with pytest.raises(ZeroDivisionError):
        failing.result(10)
    held.worker.stop()
    assert order[0] == "job"
    with pytest.raises(OutdatedError):
        held.worker.submit(lambda: None).result(10)


def test_a_folder_a_class_is_a_classifiers_truth(tmp_path: Path) -> None:
    for name in ("bar", "dot"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.zeros((20, 30, 3), np.uint8))
    found = open_pictures(tmp_path, ("bar", "cross", "dot"), CLASS)
    assert [found.truth(0), found.truth(1)] == [0, 2]
    assert [found.name(0), found.name(1)] == ["bar/a.png", "dot/a.png"]
    assert not open_pictures(tmp_path, ("one", "two"), CLASS).labelled
    session = open_session(write_image_run(tmp_path / "run"), tmp_path / "bar", tmp_path / "edits")
    assert session.pictures.labelled
    look = session.look(0)
    other = session.answer(look, np.zeros_like(look.view.attention))
    assert look.before.probabilities is not None and other.probabilities is not None
    assert other.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert session.verdict(look, other) is not None
    assert session.proposal(look) is None


def test_the_first_folder_tells_the_class_and_a_stray_file_has_none(tmp_path: Path) -> None:
    for name in ("bar/night/a.png", "dot/bar/b.png", "other/c.png", "stray.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((20, 30, 3), np.uint8))
    found = open_pictures(tmp_path, ("bar", "dot"), CLASS)
    truths = {found.name(row): found.truth(row) for row in range(len(found))}
    assert truths == {
        "bar/night/a.png": 0, "dot/bar/b.png": 1, "other/c.png": None, "stray.png": None,
    }  # fmt: skip
    one = open_pictures(tmp_path / "bar", ("bar", "dot"), CLASS)
    assert (len(one), one.name(0), one.truth(0)) == (1, "night/a.png", 0)


def test_a_table_of_values_is_a_regressors_truth(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "values.csv").write_text("file,speed\na.png,2.5\n")
    make = Make(REGRESSION, ("speed",), 3, True, (0.0,), (1.0,))
    session = open_session(write_image_run(tmp_path / "run", make), tmp_path, tmp_path / "edits")
    assert (len(session.pictures), session.pictures.truth(0)) == (1, [2.5])
    while session.advance():
        pass
    (found,) = session.queue.select(Filter(error="wrong value"), ())
    assert found.verdict is not None
    about = image_json(session, session.look(0))
    assert about["truth"] == {"values": [2.5]}
    assert len(about["answer"]["values"]) == 1
    with pytest.raises(DatasetError, match=r"values.csv, line 1: expected the model's values"):
        open_pictures(tmp_path, ("other",), NUMBERS)
    (tmp_path / "speed").mkdir()  # named as the value is, but what it is no table says
    cv2.imwrite(str(tmp_path / "speed" / "b.png"), np.zeros((20, 30, 3), np.uint8))
    found_there = open_pictures(tmp_path / "speed", ("speed",), NUMBERS)
    assert not found_there.labelled and found_there.truth(0) is None


def test_what_cannot_be_opened_is_named(
    detector_path: Path, roads: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="no attention branch"):
        open_session(detector_path, roads.path, tmp_path / "edits")
    run = write_attention(tmp_path / "run", detector_path)
    with pytest.raises(DatasetError, match="no such folder"):
        open_session(run, tmp_path / "nothing", tmp_path / "edits")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a folder for the corrected maps"):
        open_session(run, roads.path, tmp_path / "file" / "edits")
    with pytest.raises(DatasetError, match="the model's classes"):
        open_pictures(roads.path, ("sign",), LANDMARKS)


def test_an_answer_is_judged_by_the_models_own_tolerance(
    detector_path: Path, roads: Dataset, tmp_path: Path
) -> None:
    run = write_attention(tmp_path / "run", detector_path)
    about = json.loads((run / RUN_FILE).read_text())
    about["settings"]["validation"]["match_px"] = 3.0
    (run / RUN_FILE).write_text(json.dumps(about))
    session = open_session(run, roads.path, tmp_path / "edits")
    seen, truth = session.look(0), roads.labels(0)
    row = int(truth.class_id[0]), *(truth.point_px[0] + [5.0, 0.0]), 0.9
    verdict = session.verdict(seen, Answer(observations(row)))
    assert verdict is not None
    assert verdict.errors == {"missed": 1, "false alarm": 1}  # found within the usual 8 px
    make = Make(REGRESSION, ("speed",), 3, True, (0.0,), (1.0,))
    path = write_image_run(tmp_path / "values", make)
    about = json.loads((path / RUN_FILE).read_text())
    about["settings"]["value_tolerance"] = 7.0
    (path / RUN_FILE).write_text(json.dumps(about))
    assert open_viewer(path).judging.value_tolerance == 7.0


def test_a_confirmed_proposal_stays_one_when_only_its_note_changes(
    detector_path: Path, roads: Dataset, tmp_path: Path
) -> None:
    run = write_attention(tmp_path / "run", detector_path)
    session = open_session(run, roads.path, tmp_path / "edits")
    seen = session.look(0)
    proposal = session.proposal(seen)
    assert proposal is not None
    soft = np.where(proposal > 0, np.float32(0.3), proposal)  # no step of 16 bits
    session.proposal = lambda seen: soft  # type: ignore[method-assign]
    session.save(seen, soft, "Ada", "", 0)
    there = session.edit(seen)
    assert there is not None
    assert there.made == "map"
    assert session.save(seen, there.attention, "Ada", "a note", 1).made == "map"
    assert session.save(seen, there.attention * 0.9, "Ada", "", 2).made == "hand"


def test_features_are_kept_within_their_memory(
    detector_path: Path, roads: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(
        write_attention(tmp_path / "run", detector_path), roads.path, tmp_path / "edits"
    )
    looks = 0
    real = seen_module.see

    def counted(*args: object) -> seen_module.Seen:
        nonlocal looks
        looks += 1
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("dalearn_ros.attention.session.see", counted)
    first = session.look(0)
    assert session.look(0) is first
    session.look(1)
    session.look(0)
    assert looks == 2
    session._kept_bytes = 1
    session.look(2)
    assert list(session._kept) == [2]
    session.look(0)
    assert looks == 4


def test_every_file_of_the_page_is_installed() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    patterns = setup["options.package_data"]["dalearn_ros.attention"].split()
    folder = ROOT / "dalearn_ros/attention"
    files = [str(path.relative_to(folder)) for path in (folder / "page").iterdir()]
    assert {"page/index.html", "page/main.js", "page/style.css"} <= set(files)
    assert all(any(fnmatch.fnmatch(name, one) for one in patterns) for name in files)
    assert set(page_files()) == {Path(name).name for name in files}
