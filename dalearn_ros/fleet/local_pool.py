"""Worker processes on this machine, each replaced when it dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable
from multiprocessing import connection
from typing import Any

from dalearn_ros.core.errors import DalearnError
from dalearn_ros.fleet.engine import Answer, Job, Outcome, Result, Task, Todo, attempt
from dalearn_ros.fleet.limit import TIME_UP

_SPAWN = multiprocessing.get_context("spawn")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
_LOOK_S = 0.5  # how often a worker looks whether its driver lives


class LocalPool:
    """Jobs in processes of this machine; see :class:`fleet.engine.Engine`.

    Unlike a pool of the standard library, the death of a worker fails its own job only.

    Args:
        workers: How many processes.
        threads: Of the numeric libraries in each, unless the environment says otherwise.
    """

    def __init__(self, workers: int, threads: int = 1) -> None:
        self.workers = workers
        for name in _THREADS:  # workers inherit the environment before they load the libraries
            os.environ.setdefault(name, str(threads))

    def run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], tries: int
    ) -> Generator[Outcome[Job, Result], None, None]:
        """Each job's outcome, as it ends.

        Raises:
            DalearnError: Workers die before they can take a job, or a disk is full.
        """
        todo = Todo(jobs, tries)
        free: list[_Worker] = []
        busy: dict[Any, tuple[_Worker, Task]] = {}
        try:
            while True:
                while len(busy) < self.workers and (task := todo.take()) is not None:
                    worker = free.pop() if free else _Worker(work)
                    worker.send(task.job)
                    busy[worker.pipe] = worker, task
                if not busy:
                    return
                for pipe in connection.wait(list(busy)):
                    worker, task = busy.pop(pipe)
                    answer = worker.answer()
                    if answer is None:
                        busy[pipe] = worker, task
                        continue
                    if worker.alive:
                        free.append(worker)
                    outcome = todo.settle(task, answer)
                    if outcome is not None:
                        yield outcome
        finally:
            for worker, _ in busy.values():
                worker.process.kill()
            for worker in [*free, *(worker for worker, _ in busy.values())]:
                worker.end()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(work, theirs, os.getpid()), daemon=True)
        self.process.start()
        theirs.close()  # so that its death closes the pipe
        self.alive, self._up = True, False

    def send(self, job: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died: answer() says so
            self.pipe.send(job)

    def answer(self) -> Answer | None:
        """What it said; None: that it is up.

        Raises:
            DalearnError: It died before it was up, as the next one would.
        """
        try:
            found: Answer | None = self.pipe.recv()
        except (EOFError, ConnectionError):
            how = self.end()
            if not self._up:
                raise DalearnError(f"fleet: a worker process cannot start ({how}).") from None
            return Answer(reason=f"the worker process died ({how}).")
        self._up = True
        return found

    def end(self) -> str:
        """Close the pipe, on which an idle worker ends, and say how it ended."""
        self.alive = False
        self.pipe.close()
        self.process.join()
        code = self.process.exitcode or 0
        if code == TIME_UP:
            return "it took longer than --bag-minutes"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(work: Callable[[Any], Any], pipe: Any, driver: int) -> None:
    """A worker: jobs in, answers out, until the driver closes the pipe or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver ends its workers itself
    threading.Thread(target=_leave_with, args=(driver,), daemon=True).start()
    with contextlib.suppress(EOFError, ConnectionError):
        pipe.send(None)
        while True:
            pipe.send(attempt(work, pipe.recv()))


def _leave_with(driver: int) -> None:
    """End this process when its driver has: another driver may be at the same bag soon."""
    while os.getppid() == driver:
        time.sleep(_LOOK_S)
    os._exit(1)
