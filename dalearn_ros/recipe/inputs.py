"""The inputs of the steps: looked at when the recipe is planned, and again around each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dalearn_ros.core.errors import InputError
from dalearn_ros.datasets.identity import identity_of
from dalearn_ros.inference.detector import RUN_MODEL

Look = Callable[[Path], str]


@dataclass(frozen=True)
class Input:
    """A file or folder that a step depends on.

    Attributes:
        path: Where it lies.
        look: Gives its identity.
        identity: What that was.
    """

    path: Path
    look: Look
    identity: str


class Inputs:
    """Looks at each input once, and knows which ones were asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, Look], Input] = {}
        self._asked: dict[tuple[Path, Look], Input] = {}

    def __call__(self, path: Path, look: Look = identity_of) -> str:
        """The identity of an input.

        Args:
            path: Where it lies.
            look: Gives its identity, such as :func:`datasets.identity.identity_of`.

        Raises:
            InputError: There is nothing, or it cannot be read.
        """
        key = path, look
        if key not in self._known:
            self._known[key] = Input(path, look, look(path))
        self._asked[key] = self._known[key]
        return self._known[key].identity

    def asked(self) -> tuple[Input, ...]:
        """Those that were asked for since the last call."""
        found = tuple(self._asked.values())
        self._asked = {}
        return found


def changed(inputs: Sequence[Input]) -> list[Path]:
    """Which of them are not what they were, or cannot be read any more."""
    return [found.path for found in inputs if not _same(found)]


def refuse_changed(inputs: Sequence[Input]) -> None:
    """Raise InputError if one of them is not what it was."""
    if found := changed(inputs):
        raise InputError(
            f"{found[0]}: has changed since the recipe looked at it, so that the result would be "
            "neither of what it was nor of what it is."
        )


def _same(found: Input) -> bool:
    try:
        return found.look(found.path) == found.identity
    except InputError:
        return False


def identity_of_edits(path: Path) -> str:
    """Corrected maps are images in which each pixel counts."""
    return identity_of(path, whole_images=True)


def read_of_model(path: Path) -> Path:
    """What is read of a model to compare with: of a run its ONNX file."""
    return path / RUN_MODEL if path.is_dir() else path
