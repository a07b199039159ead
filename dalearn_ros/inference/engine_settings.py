"""For which images an engine is built, and how."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from dalearn_ros.coding.pixels import padded_size
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field

Shape = tuple[int, int, int]
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_WIDE_USUAL, _WIDE_LARGEST = (1280, 720), (1920, 1200)


@dataclass(frozen=True)
class EngineSettings:
    """How TensorRT builds engines and where they are kept."""

    folder: str = field("", "Folder of the engines; empty: ~/.cache/dalearn_ros/engines.")
    sizes: tuple[str, ...] = field(
        ("",), "Sizes of the cameras, such as 1280x720; empty: one slower profile for all sizes."
    )
    batch: int = field(1, "Images in one inference, at most.", minimum=1, maximum=16)
    workspace_mib: int = field(
        1024, "Memory that a layer may use.", unit="MiB", minimum=16, maximum=65536
    )
    timing_cache: bool = field(True, "Keep what building measured, so that the next is quicker.")
    build: bool = field(True, "Build an engine if none fits; else that is an error.")

    @property
    def place(self) -> Path:
        """The folder of the engines."""
        if self.folder:
            return Path(self.folder).expanduser()
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return Path(caches).expanduser() / "dalearn_ros" / "engines"


@dataclass(frozen=True)
class Profile:
    """Sizes of the input that an engine takes, each (images, rows, columns).

    Attributes:
        smallest: Every axis is at least this.
        usual: What the engine is tuned for.
        largest: Every axis is at most this.
    """

    smallest: Shape
    usual: Shape
    largest: Shape

    def __str__(self) -> str:
        """Such as ``1x736x1280 to 6x736x1280, tuned for 6x736x1280``."""
        smallest, usual, largest = (
            "x".join(map(str, shape)) for shape in (self.smallest, self.usual, self.largest)
        )
        return f"{smallest} to {largest}, tuned for {usual}"


def profiles_of(settings: EngineSettings, multiple: int) -> tuple[Profile, ...]:
    """One profile for each camera size, padded as the network's input is; equal ones once.

    Args:
        settings: Sizes and batch.
        multiple: Sides of the input are multiples of this.

    Raises:
        SettingsError: A size is not WIDTHxHEIGHT.
    """
    found: dict[Profile, None] = {}
    for text in filter(None, map(str.strip, settings.sizes)):
        match = _SIZE.fullmatch(text)
        if match is None:
            raise SettingsError.at("sizes", "", "WIDTHxHEIGHT such as 1280x720", f"'{text}'")
        columns, rows = padded_size(int(match[1]), int(match[2]), multiple)
        largest = (settings.batch, rows, columns)
        found[Profile((1, rows, columns), largest, largest)] = None
    return tuple(found) or (_wide(settings.batch, multiple),)


def _wide(batch: int, multiple: int) -> Profile:
    usual, largest = (padded_size(*size, multiple) for size in (_WIDE_USUAL, _WIDE_LARGEST))
    return Profile((1, 2 * multiple, 2 * multiple), (batch, *usual[::-1]), (batch, *largest[::-1]))
