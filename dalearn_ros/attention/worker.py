"""One thread that computes: people's requests first, the newest of a kind only, then the rest."""

from __future__ import annotations

import collections
import itertools
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")
Job = tuple[Future[Any], Callable[[], Any]]
QUIET_S = 1.0  # without a request before the background goes on


class OutdatedError(Exception):
    """A newer request of the same kind has taken this one's place."""


class Worker:
    """Runs jobs one after the other in a thread of its own.

    Args:
        background: Does a small piece of work whenever nobody has asked for anything for a while;
            False: there is none left.
        quiet_s: That while, seconds.
    """

    def __init__(self, background: Callable[[], bool], quiet_s: float = QUIET_S) -> None:
        self._background = background
        self._quiet_s = quiet_s
        self._jobs: collections.OrderedDict[str, Job] = collections.OrderedDict()
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._last = -float("inf")
        self._more = True
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="attention", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the piece of work at hand; jobs that wait are outdated."""
        with self._changed:
            self._stopping = True
            left = list(self._jobs.values())
            self._jobs.clear()
            self._changed.notify()
        for future, _ in left:
            _drop(future)
        self._thread.join()

    def submit(self, work: Callable[[], Result], kind: str = "") -> Future[Result]:
        """Have something done.

        Args:
            work: What; its exception becomes the future's.
            kind: A job of the same kind that still waits is dropped, its future raises
                :class:`OutdatedError`; empty: of no kind.
        """
        future: Future[Result] = Future()
        with self._changed:
            if self._stopping:
                _drop(future)
                return future
            before = self._jobs.pop(kind, None) if kind else None
            self._jobs[kind or f"#{next(self._numbers)}"] = (future, work)
            self._changed.notify()
        if before is not None:
            _drop(before[0])
        return future

    def _run(self) -> None:
        while True:
            job = self._next()
            if job is not None:
                future, work = job
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)
                self._last = time.monotonic()
            elif self._stopping:
                return
            else:
                self._more = self._go_on()

    def _go_on(self) -> bool:
        """A piece of the background; after an error of its own there is no more of it."""
        try:
            return self._background()
        except Exception:
            traceback.print_exc()
            return False

    def _next(self) -> Job | None:
        """The oldest job; None: time for the background, or to stop."""
        with self._changed:
            while not self._jobs and not self._stopping:
                wait = self._last + self._quiet_s - time.monotonic()
                if self._more and wait <= 0.0:
                    return None
                self._changed.wait(wait if self._more else None)
            return self._jobs.popitem(last=False)[1] if self._jobs else None


def _drop(future: Future[Any]) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(OutdatedError("a newer request has taken its place"))
