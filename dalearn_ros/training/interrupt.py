"""Ctrl-C between two steps, never in the middle of one."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType

_TOLD = b"\nStopping after this step; Ctrl-C once more stops at once.\n"


class Interrupt:
    """While it is entered, the first SIGINT is only remembered; the second interrupts at once.

    A step that is cut in half would leave weights, optimizer and average at different steps; and
    an exception that is raised inside a library's callback can get lost there. What was remembered
    is raised by :meth:`check`, and at the latest when the block ends. Where SIGINT is ignored, and
    outside the main thread, nothing changes.

    Args:
        repeated: Only remember all others, too: ``torchrun`` passes on what the terminal has sent
            already, and ends the process itself if it takes too long.
    """

    def __init__(self, repeated: bool = False) -> None:
        self.asked = False
        self._repeated = repeated
        self._before: signal.Handlers | object = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            if callable(self._before):
                signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()
        if kind is None and self.asked:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was one."""
        if self.asked:
            self._restore()
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if not self.asked:
            os.write(2, _TOLD)  # a buffered stream may be in use just now
        self.asked = True
        if not self._repeated:
            self._restore()

    def _restore(self) -> None:
        if callable(self._before):
            signal.signal(signal.SIGINT, self._before)
            self._before = None
