"""Progress on a terminal, silence in a pipe, and for whoever watches."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
Watcher = Callable[[str, int, int | None], None]  # label, done, total
EVERY_S = 0.2  # a watcher is not called more often, but for the last item
_watchers: list[Watcher] = []
_hidden = False


def hide() -> None:
    """Draw no bar in this process from now on: it is one of many at work on one terminal."""
    global _hidden
    _hidden = True


def track(
    items: Iterable[T], total: int | None = None, label: str = "", start: int = 0
) -> Iterator[T]:
    """Iterate with a progress bar on standard error if that is a terminal.

    Args:
        items: What to iterate.
        total: How many there are, if ``items`` does not know; with those done before.
        label: A word before the bar.
        start: How many were done before.

    Yields:
        The items, unchanged.
    """
    bar: Iterable[T] = items
    if sys.stderr.isatty() and not _hidden:
        bar = tqdm(items, total=total, desc=label, dynamic_ncols=True, initial=start)
    if not _watchers:
        yield from bar
        return
    if total is None and isinstance(items, Sized):
        total = start + len(items)
    last, done = 0.0, start
    for item in bar:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= EVERY_S or done == total:
            last = now
            for told in [*_watchers]:
                told(label, done, total)


@contextlib.contextmanager
def watch(told: Watcher) -> Iterator[None]:
    """Tell a function of the progress of everything that is tracked inside the block.

    Args:
        told: Called with label, items done, and how many there are (None: not known), in the thread
            that iterates. What it raises comes out between two items.
    """
    _watchers.append(told)
    try:
        yield
    finally:
        _watchers.remove(told)
