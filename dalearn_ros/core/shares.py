"""Things shared out between processes."""

from __future__ import annotations


def part_of(size: int, index: int, count: int) -> range:
    """Part ``index`` of ``count`` nearly equal parts of ``size`` things."""
    return range(size * index // count, size * (index + 1) // count)
