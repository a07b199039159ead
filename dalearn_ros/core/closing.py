"""What every class that holds a file open has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

T = TypeVar("T", bound="Closing")


class Closing(ABC):
    """A context manager whose ``with`` block ends with :meth:`close`."""

    @abstractmethod
    def close(self) -> None:
        """Close the files; may be called twice."""

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
