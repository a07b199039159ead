"""The thread that turns images into landmarks: the newest of each camera, together if it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dalearn_ros.bags.images import ImageFault
from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.detector import Answer, LandmarkDetector
from dalearn_ros.inference.preprocess import InputPool
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes.camera_stream import ATTENTION_TOPIC, DEPTH_TOPIC, CameraStream
from dalearn_ros.nodes.mailbox import Mailbox
from dalearn_ros.nodes.messages import stamp_of, write_pixels

LATE, STOPPED, DISABLED = "late", "stopped", "disabled"
Size = tuple[int, int]


@dataclass(frozen=True)
class Arrived:
    """An image message, whose camera it is, and when its callback began (perf_counter, s)."""

    stream: CameraStream
    message: Any
    stamp_ns: int
    at: float


@dataclass(frozen=True)
class Ready:
    """An image that lies in the network's input, its calibration, and how long that took, in ms."""

    arrived: Arrived
    camera: Camera | None
    wait_ms: float
    preprocess_ms: float


@dataclass(frozen=True)
class Shown:
    """An image whose landmarks are published: its place in the input, its numbered landmarks."""

    slot: int
    arrived: Arrived
    seen: Observations
    answer: Answer


class DetectionWorker:
    """Takes the newest image of each camera; images of one size share an inference.

    Every image that is handed in ends in its camera's counters: processed, overwritten by a newer
    one, or skipped for a reason.

    Args:
        streams: The cameras.
        detector: Finds the landmarks; may be exchanged while the worker runs.
        max_age_ms: Gives the age at which an image is too old, milliseconds; 0: none is.
        now_ns: The clock that stamps are compared with, nanoseconds.
        log: Told of skipped images.
    """

    def __init__(
        self,
        streams: Sequence[CameraStream],
        detector: LandmarkDetector,
        max_age_ms: Callable[[], float],
        now_ns: Callable[[], int],
        log: Callable[[str], None],
    ) -> None:
        self._streams = list(streams)
        self._max_age_ms, self._now_ns, self._log = max_age_ms, now_ns, log
        self.detector = detector
        self._pool: InputPool | None = None
        self._pool_of: LandmarkDetector | None = None
        self._mailbox: Mailbox[Arrived] = Mailbox()
        self._thread = threading.Thread(target=self._work, name="detect", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def put(self, arrived: Arrived) -> None:
        """Hand in an image; it takes the place of one of its camera that still waits."""
        lost = self._mailbox.put(arrived, self._streams.index(arrived.stream))
        if lost is not None:
            lost.stream.counters.overwritten(lost.stamp_ns)

    def stop(self) -> None:
        """End when what is in work is finished; what waits is skipped."""
        for left in self._mailbox.close():
            left.stream.counters.skipped(left.stamp_ns, STOPPED)
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while items := self._mailbox.take():
            detector = self.detector  # the same for all of this round
            for size, ready in self._prepare(items, detector).items():
                self._detect(detector, size, ready)

    def _prepare(self, items: list[Arrived], detector: LandmarkDetector) -> dict[Size, list[Ready]]:
        """Images that are not too old, in the network's input, by their size."""
        pool = self._pool_for(detector)
        found: dict[Size, list[Ready]] = {}
        for item in items:
            if self._too_old(item):
                self._skip(item, LATE, f"older than {self._max_age_ms():g} ms when its turn came")
                continue
            began = time.perf_counter()
            place = _Place(pool, found)
            try:
                size = write_pixels(item.message, place)
            except Exception as error:  # a bad frame never stops the node
                self._skip(item, *_reason(error))
                continue
            spent = (time.perf_counter() - began) * 1e3
            one = Ready(item, item.stream.camera, (began - item.at) * 1e3, spent)
            found.setdefault(size, []).append(one)
        return found

    def _detect(self, detector: LandmarkDetector, size: Size, ready: list[Ready]) -> None:
        assert self._pool is not None
        inputs = self._pool.batch(len(ready), *size)
        try:
            stamps = [one.arrived.stamp_ns for one in ready]
            cameras = [_fitting(one.camera, size) for one in ready]
            looked_at = any(one.arrived.stream.wants_attention for one in ready)
            results = detector.detect_ready(inputs, size, stamps, cameras, looked_at)
        except Exception as error:  # a bad frame never stops the node
            for one in ready:
                self._skip(one.arrived, *_reason(error))
            return
        spent = dict(detector.last_timing_ms)
        shown = []
        for slot, (one, answer) in enumerate(zip(ready, results, strict=True)):
            try:
                numbered = self._publish(size, one, answer.observations, spent)
            except Exception as error:  # a bad frame never stops the node
                self._skip(one.arrived, *_reason(error))
                continue
            shown.append(Shown(slot, one.arrived, numbered, answer))
        for one_shown in shown:  # what may take longer waits for all landmarks
            self._show(one_shown, size, detector)

    def _show(self, shown: Shown, size: Size, detector: LandmarkDetector) -> None:
        """Publish what is made for those who subscribe; what fails of it never stops the node."""
        assert self._pool is not None
        stream, message = shown.arrived.stream, shown.arrived.message
        depth, attention = shown.answer.depth, shown.answer.attention
        try:
            if depth is not None:
                stream.publish_depth(depth, size, message)
        except Exception as error:  # a bad frame never stops the node
            self._log(f"{DEPTH_TOPIC}: {error}")
        try:
            if attention is not None:
                stream.publish_attention(attention, message)
        except Exception as error:  # nor does a map
            self._log(f"{ATTENTION_TOPIC}: {error}")
        try:
            picture = self._pool.place(shown.slot, *size)
            stream.show(picture, shown.seen, detector.label_space, _frame_of(shown.arrived))
        except Exception as error:  # nor does a picture for people
            self._log(f"~/debug/image: {error}")

    def _publish(
        self, size: Size, one: Ready, seen: Observations, spent: dict[str, float]
    ) -> Observations:
        """Number, publish and count what was seen in one image."""
        stream, frame_id = one.arrived.stream, _frame_of(one.arrived)
        began = time.perf_counter()
        seen = stream.number(seen, size, frame_id)
        numbered = time.perf_counter()
        stream.publish(seen, size, frame_id, one.camera)
        published = time.perf_counter()
        total = (published - one.arrived.at) * 1e3
        stages = {
            **spent,
            "wait": one.wait_ms,
            "preprocess": one.preprocess_ms,
            "track": (numbered - began) * 1e3,
            "publish": (published - numbered) * 1e3,
            "total": total,
            "overhead": total - spent["inference"],
        }
        stream.counters.processed(one.arrived.stamp_ns, stages)
        return seen

    def _too_old(self, item: Arrived) -> bool:
        """By its stamp; an image without one by the time since it arrived."""
        limit_ms = self._max_age_ms()
        if limit_ms <= 0.0:
            return False
        if item.stamp_ns:
            return (self._now_ns() - item.stamp_ns) * 1e-6 > limit_ms
        return (time.perf_counter() - item.at) * 1e3 > limit_ms

    def _pool_for(self, detector: LandmarkDetector) -> InputPool:
        if self._pool is None or self._pool_of is not detector:
            takes = detector.metadata.input
            self._pool = InputPool(takes.channels, takes.multiple, len(self._streams))
            self._pool_of = detector
        return self._pool

    def _skip(self, item: Arrived, reason: str, text: str) -> None:
        item.stream.counters.skipped(item.stamp_ns, reason)
        self._log(f"image {item.stamp_ns} {item.stream.name} skipped ({reason}): {text}")


class _Place:
    """Where the next image of a size goes: behind those that lie there already."""

    def __init__(self, pool: InputPool, before: dict[Size, list[Ready]]) -> None:
        self._pool, self._before = pool, before

    def __call__(self, width: int, height: int) -> Any:
        return self._pool.place(len(self._before.get((width, height), [])), width, height)


def _fitting(camera: Camera | None, size: Size) -> Camera | None:
    """The calibration, if it belongs to images of this size."""
    fits = camera is not None and (camera.width, camera.height) == size
    return camera if fits else None


def _frame_of(item: Arrived) -> str:
    return str(item.message.header.frame_id)


def _reason(error: Exception) -> tuple[str, str]:
    """The key under which a failure is counted, and its sentence."""
    if isinstance(error, ImageFault):
        return f"image:{error.reason}", str(error)
    if isinstance(error, InputError):
        return "detector", str(error)
    return type(error).__name__, str(error)


def arrived(stream: CameraStream, message: Any) -> Arrived:
    """A message whose callback begins now."""
    at = time.perf_counter()
    return Arrived(stream, message, stamp_of(message.header), at)
