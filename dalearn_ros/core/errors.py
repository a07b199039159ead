"""Exceptions whose text is a sentence for the user.

Every bad input ends as one of these. The command line prints the sentence and exits with 1;
a node logs it. The text names the file, the place in it, what was expected and what was found.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

ErrorType = TypeVar("ErrorType", bound="InputError")


class DalearnError(Exception):
    """Something that a user can act on; its text is one or two plain sentences."""


class InputError(DalearnError):
    """An input (file, topic, option) is not what it should be."""

    @classmethod
    def at(
        cls: type[ErrorType],
        path: Path | str,
        place: str,
        expected: str,
        found: str,
        hint: str = "",
    ) -> ErrorType:
        """Build the sentence from its four parts.

        Args:
            path: The file, folder or topic.
            place: Where in it (line, element id, key); empty if the whole is meant.
            expected: What would have been right.
            found: What stands there.
            hint: What to do about it, a sentence; empty if there is nothing to add.

        Returns:
            The exception, ready to raise.
        """
        where = f"{path}, {place}" if place else f"{path}"
        text = f"{where}: expected {expected}, found {found}."
        return cls(f"{text} {hint}".rstrip())


class SettingsError(InputError):
    """A settings file or option is wrong."""


class MapError(InputError):
    """A map cannot be read or used."""


class BagError(InputError):
    """A bag cannot be read or lacks what is needed."""


class DatasetError(InputError):
    """A dataset on disk cannot be read or used."""


class ModelError(InputError):
    """A model or checkpoint cannot be read, or belongs to something else."""


class PoseError(InputError):
    """There is no usable pose at the asked time.

    Attributes:
        reason: One of ``before_start``, ``after_end``, ``gap``, ``nan``, ``jump``: the key under
            which a skipped frame is counted.
    """

    def __init__(self, message: str, reason: str = "gap") -> None:
        super().__init__(message)
        self.reason = reason


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The hint for a mistyped name; empty where none that is known is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else ""
