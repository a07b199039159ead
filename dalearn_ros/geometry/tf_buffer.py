"""Transforms between named frames over time: what ``/tf`` and ``/tf_static`` say (REP 105)."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.trajectory import MAX_GAP_NS
from dalearn_ros.geometry.transforms import Transform, interpolate


@dataclass
class _Edge:
    """The way from a frame to its parent: one transform for ever, or samples over time."""

    parent: str
    static: Transform | None = None
    stamps_ns: list[int] = field(default_factory=list)
    transforms: list[Transform] = field(default_factory=list)

    def at(self, child: str, stamp_ns: int, max_gap_ns: int) -> Transform:
        if self.static is not None:
            return self.static
        name = f"transform {self.parent} <- {child}"
        after = bisect_left(self.stamps_ns, stamp_ns)
        if after < len(self.stamps_ns) and self.stamps_ns[after] == stamp_ns:
            return self.transforms[after]
        if after in (0, len(self.stamps_ns)):
            reason = "before_start" if after == 0 else "after_end"
            text = f"{name} at {stamp_ns} ns: the time lies outside what was recorded."
            raise PoseError(text, reason)
        first, second = self.stamps_ns[after - 1], self.stamps_ns[after]
        if second - first > max_gap_ns:
            text = f"{name} at {stamp_ns} ns: its samples are {(second - first) / 1e9:.3f} s apart."
            raise PoseError(text, "gap")
        share = (stamp_ns - first) / (second - first)
        return interpolate(self.transforms[after - 1], self.transforms[after], share)


class TransformBuffer:
    """A tree of frames. Each frame has one parent; samples are interpolated, never extrapolated.

    Args:
        max_gap_ns: Two samples further apart than this are not interpolated between.
    """

    def __init__(self, max_gap_ns: int = MAX_GAP_NS) -> None:
        self.max_gap_ns = max_gap_ns
        self._edges: dict[str, _Edge] = {}

    @property
    def frames(self) -> list[str]:
        """Names of all frames, sorted."""
        return sorted({*self._edges, *(edge.parent for edge in self._edges.values())})

    def add_static(self, parent: str, child: str, parent_from_child: Transform) -> None:
        """Set a transform that holds for all times; a later one replaces it."""
        self._edges[_clean(child)] = _Edge(_clean(parent), static=parent_from_child)

    def add(self, parent: str, child: str, stamp_ns: int, parent_from_child: Transform) -> None:
        """Add a sample, in any order; a second one of the same stamp is dropped."""
        edge = self._edges.get(_clean(child))
        if edge is None or edge.static is not None or edge.parent != _clean(parent):
            edge = self._edges[_clean(child)] = _Edge(_clean(parent))
        place = bisect_left(edge.stamps_ns, stamp_ns)
        if place < len(edge.stamps_ns) and edge.stamps_ns[place] == stamp_ns:
            return
        edge.stamps_ns.insert(place, stamp_ns)
        edge.transforms.insert(place, parent_from_child)

    def stamps_of(self, child: str) -> list[int]:
        """Times of the samples of a frame, ascending nanoseconds; empty if static or unknown."""
        edge = self._edges.get(_clean(child))
        return [] if edge is None else list(edge.stamps_ns)

    def chain(self, frame: str) -> list[str]:
        """The frame, its parent, and so on up to the root."""
        names = [_clean(frame)]
        while names[-1] in self._edges:
            names.append(self._edges[names[-1]].parent)
            if names[-1] in names[:-1]:
                raise PoseError(f"the frames {' <- '.join(reversed(names))} form a circle.", "tf")
        return names

    def lookup(self, target: str, source: str, stamp_ns: int = 0) -> Transform:
        """The transform ``target_from_source`` at a time.

        Args:
            target: Frame of the result's coordinates.
            source: Frame of the given coordinates.
            stamp_ns: Integer nanoseconds; static transforms hold at every time.

        Raises:
            PoseError: A frame is unknown or the two are not connected (reason ``tf``; the missing
                one is named), or the time is not covered (``before_start``, ``after_end``,
                ``gap``).
        """
        known = self.frames
        for frame in (_clean(target), _clean(source)):
            if frame not in known and _clean(target) != _clean(source):
                there = ", ".join(known) or "none"
                text = f"the transform tree has no frame '{frame}'; it has: {there}."
                raise PoseError(text, "tf")
        up_target, up_source = self.chain(target), self.chain(source)
        common = next((name for name in up_target if name in up_source), None)
        if common is None:
            text = (
                f"the frames '{target}' and '{source}' are not connected: one tree ends at "
                f"'{up_target[-1]}', the other at '{up_source[-1]}'."
            )
            raise PoseError(text, "tf")
        common_from_target = self._climb(up_target, common, stamp_ns)
        return common_from_target.inverse() @ self._climb(up_source, common, stamp_ns)

    def _climb(self, chain: list[str], ancestor: str, stamp_ns: int) -> Transform:
        result = Transform.identity()
        for frame in chain[: chain.index(ancestor)]:
            result = self._edges[frame].at(frame, stamp_ns, self.max_gap_ns) @ result
        return result


def _clean(frame: str) -> str:
    return frame.lstrip("/")
