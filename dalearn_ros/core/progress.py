"""Progress on a terminal, silence in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
_hidden = False


def hide() -> None:
    """Draw no bar in this process from now on: it is one of many at work on one terminal."""
    global _hidden
    _hidden = True


def track(items: Iterable[T], total: int | None = None, label: str = "") -> Iterator[T]:
    """Iterate with a progress bar on standard error if that is a terminal.

    Args:
        items: What to iterate.
        total: How many there are, if ``items`` does not know.
        label: A word before the bar.

    Yields:
        The items, unchanged.
    """
    if _hidden:
        yield from items
        return
    yield from tqdm(
        items, total=total, desc=label, disable=not sys.stderr.isatty(), dynamic_ncols=True
    )
