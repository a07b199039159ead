"""A box with one place a camera between fast callbacks and a slow worker."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds the newest item of each sender; one that nobody took in time is handed back."""

    def __init__(self) -> None:
        self._items: dict[int, T] = {}
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T, sender: int = 0) -> T | None:
        """Store an item.

        Args:
            item: The newest.
            sender: Whose place it takes.

        Returns:
            The item of this sender that was still there and is lost now, or None. Once the box is
            closed that is the item itself.
        """
        with self._changed:
            if self._closed:
                return item
            lost = self._items.pop(sender, None)
            self._items[sender] = item
            self._changed.notify()
        return lost

    def take(self) -> list[T]:
        """Wait for items and take one of each sender, the one that waited longest first.

        Returns:
            At least one; nothing once the box is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            items, self._items = self._items, {}
        return list(items.values())

    def close(self) -> list[T]:
        """Let :meth:`take` return.

        Returns:
            The items that nobody took.
        """
        with self._changed:
            self._closed = True
            items, self._items = self._items, {}
            self._changed.notify_all()
        return list(items.values())
