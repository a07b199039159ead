"""A process that ends itself when a piece of work takes too long."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

TIME_UP = 124  # exit code, that of timeout(1)


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Leave the process with :data:`TIME_UP` if the block takes longer; None: no limit.

    Only the end of its process stops a read that hangs.
    """
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, os._exit, (TIME_UP,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
