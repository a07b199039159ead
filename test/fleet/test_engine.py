"""What a failed try means for the next one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from helpers.fleet_work import DoAsTold, write_bags

from dalearn_ros.core.errors import BagError, DalearnError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.fleet.engine import Answer, Todo, attempt
from dalearn_ros.fleet.local_pool import LocalPool
from dalearn_ros.fleet.manifest import Manifest
from dalearn_ros.fleet.run import run_fleet


def read(number: int) -> None:
    """As readers do: a sentence, and the cause is hidden."""
    try:
        raise OSError(number, os.strerror(number))
    except OSError as error:
        raise BagError(f"bag: cannot be read ({error.strerror}).") from None


def write(number: int) -> None:
    with atomic_file("/tmp/never-written"):
        raise OSError(number, os.strerror(number))


def read_sqlite(number: int) -> None:
    """As rosbags does."""
    try:
        raise apsw.exception_for(number)
    except apsw.Error as error:
        raise BagError(f"bag: cannot be read ({os.strerror(errno.EIO)}, {error}).") from None


def test_a_fault_of_the_disk_under_sqlite_is_tried_again() -> None:
    assert not attempt(read_sqlite, apsw.SQLITE_IOERR).final
    assert attempt(read_sqlite, apsw.SQLITE_CORRUPT).final


@pytest.mark.parametrize(
    ("work", "number", "final", "full"),
    [
        (read, errno.ENOENT, True, False),
        (read, errno.EIO, False, False),
        (read, errno.ESTALE, False, False),
        (write, errno.EACCES, True, False),
        (write, errno.ENOSPC, False, True),
        (write, errno.EDQUOT, False, True),
    ],
)
def test_the_place_is_not_the_bag(
    work: Callable[[int], None], number: int, final: bool, full: bool
) -> None:
    answer = attempt(work, number)
    assert (answer.final, answer.full) == (final, full)
    assert os.strerror(number) in answer.reason


def test_a_bad_bag_is_final_and_a_fault_of_ours_is_not() -> None:
    def bad(job: object) -> None:
        raise BagError("bag: is none.")

    def fault(job: object) -> None:
        raise KeyError("x")

    assert attempt(bad, 0) == Answer(None, "bag: is none.", True, False)
    assert attempt(fault, 0) == Answer(None, "KeyError: 'x'", False, False)


def test_a_full_disk_ends_all() -> None:
    todo = Todo(["a", "b"], 3)
    task = todo.take()
    assert task is not None
    with pytest.raises(DalearnError, match=r"no room left. x: cannot be written. Make room"):
        todo.settle(task, Answer(reason="x: cannot be written.", full=True))


def test_a_bag_that_hangs_is_given_up(tmp_path: Path) -> None:
    """It sleeps for a minute in its first try, and may take ten seconds."""
    bags = write_bags(tmp_path, ["slow", "a"])
    with Manifest.open(tmp_path / "out", {}) as manifest:
        process, engine = DoAsTold(tmp_path / "log"), LocalPool(1)
        once = run_fleet(bags, manifest, process, engine, tries=1, limit_s=10.0)
        again = run_fleet(bags, manifest, process, engine, tries=1, limit_s=10.0)
    (failure,) = once.failures
    assert failure.name == "b0"
    assert failure.reason == "the worker process died (it took longer than --bag-minutes)."
    assert (once.done, again.done, again.failures) == (1, 2, ())
