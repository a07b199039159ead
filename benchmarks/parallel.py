"""Short learning runs side by side: one thread each wastes less of two cores than two threads."""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

Job = TypeVar("Job")
Result = TypeVar("Result")


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def side_by_side(
    work: Callable[[Job], Result], jobs: Sequence[Job], processes: int
) -> Iterator[Result]:
    """Results of all jobs in their order, each as soon as it and those before it are done.

    Args:
        work: A function that another process can import.
        jobs: Its arguments.
        processes: At most so many at once, each with one thread of torch; 1: in this process.
    """
    if processes == 1:
        yield from map(work, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _one_thread) as pool:
        yield from pool.map(work, jobs)


@contextlib.contextmanager
def claimed(file: Path, there: Callable[[], bool] | None = None) -> Iterator[bool]:
    """Make a result, unless it is there or another process is at it.

    Args:
        file: The result, to be written within; a locked claim lies beside it meanwhile. The lock
            of a process that is killed goes with it.
        there: Says whether the result is there; default: the file is.

    Yields:
        Whether it is to be made here.
    """
    claim = file.with_suffix(".claim")
    file.parent.mkdir(parents=True, exist_ok=True)
    with claim.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield not (file.is_file() if there is None else there())
        finally:
            claim.unlink(missing_ok=True)


@contextlib.contextmanager
def awaited(place: Path) -> Iterator[None]:
    """Be the only one at a file or folder; waits until others that are at it have ended."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f".{place.name}.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
