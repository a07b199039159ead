"""A box for one message between a fast callback and a slow worker."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds the newest item; one that was not taken in time is handed back when overwritten."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> T | None:
        """Store an item.

        Returns:
            The item that was still there and is lost now, or None.
        """
        with self._changed:
            lost, self._item = self._item, item
            self._changed.notify()
        return lost

    def take(self) -> T | None:
        """Wait for an item and take it; None once the box is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
        return item

    def close(self) -> T | None:
        """Let :meth:`take` return.

        Returns:
            The item that nobody took, or None.
        """
        with self._changed:
            self._closed = True
            item, self._item = self._item, None
            self._changed.notify_all()
        return item
