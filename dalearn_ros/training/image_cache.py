"""Decoded images in memory that a process and its workers share."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
_MEMINFO = Path("/proc/meminfo")
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


class ImageCache:
    """Keeps the first images, as many as fit.

    Images come in another order each round, so that no image is asked for sooner than another, and
    always the same ones are kept. The memory belongs to no file: it is used as it fills, is seen by
    processes that are forked afterwards, and is free when the last of them ends, however it ends.
    """

    def __init__(self, sizes: Sequence[int], limit: int) -> None:
        """Set the memory's addresses aside.

        Args:
            sizes: Bytes of each image; 0: unknown, not kept.
            limit: Bytes in all.
        """
        ends = np.cumsum(sizes, dtype=np.int64) if len(sizes) else np.zeros(0, np.int64)
        count = int(np.searchsorted(ends, limit, side="right"))
        self._ends = ends[:count]
        self._starts = self._ends - np.asarray(sizes[:count], np.int64)
        total = int(self._ends[-1]) if count else 0
        self._memory: Image = np.frombuffer(mmap.mmap(-1, max(1, total)), np.uint8)
        shapes = np.frombuffer(mmap.mmap(-1, max(1, count) * 12), np.int32)
        self._shapes: npt.NDArray[np.int32] = shapes.reshape(-1, 3)  # zeros: not there yet

    def __reduce__(self) -> Any:  # to a process that was not forked: empty
        return ImageCache, ((), 0)

    def get(self, index: int) -> Image | None:
        """(H, W, C) an image that was put in, not to be written to; None if it is not there."""
        if index >= len(self._ends) or not self._shapes[index, 0]:
            return None
        kept = self._memory[self._starts[index] : self._ends[index]]
        image = kept.reshape(tuple(self._shapes[index]))
        image.flags.writeable = False
        return image

    def put(self, index: int, image: Image) -> None:
        """Keep an (H, W, C) image if there is a place for it that has its size."""
        if index >= len(self._ends) or not image.size:
            return
        if self._ends[index] - self._starts[index] == image.size:
            self._memory[self._starts[index] : self._ends[index]] = image.reshape(-1)
            self._shapes[index, 1:] = image.shape[1:]
            self._shapes[index, 0] = image.shape[0]  # which is asked for


def free_bytes() -> int:
    """Memory that can be used without swapping, of the machine or of the container if that is less.

    0 where it cannot be found out.
    """
    try:
        rows = _MEMINFO.read_text(encoding="ascii").splitlines()
        lines = dict(row.split(":", 1) for row in rows if ":" in row)
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0
    for limit, used in _GROUPS:
        try:
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such group, or without a limit
            continue
    return max(0, free)
