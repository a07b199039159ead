"""Which images to edit, and in which order: what the model misrecognised, found in the background.

The queue is filled image by image and can be used meanwhile. Images without truth have no errors;
they are ordered by the lowest score of what was seen in them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from dalearn_ros.attention.misrecognised import BRANCHES, EITHER, ERRORS, Verdict
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import printable

ALL, WITH, WITHOUT = "all", "with", "without"
ORDERS = ("score", "errors", "name")


@dataclass(frozen=True)
class Entry:
    """An image of the queue.

    Attributes:
        index: Its number.
        name: Its name.
        digest: SHA-256 of its file; empty while unknown.
        judged: Whether the model has seen it.
        problem: Why it cannot be edited, a sentence; empty if it can.
        verdict: What was misrecognised; None without truth, or not judged.
        score: The lowest, 0 to 1; None: there is none.
    """

    index: int
    name: str
    digest: str = ""
    judged: bool = False
    problem: str = ""
    verdict: Verdict | None = None
    score: float | None = None


@dataclass(frozen=True)
class Filter:
    """Which images are wanted.

    Attributes:
        branch: Misrecognised by ``perception``, ``attention`` or ``either``; ``all``: others too.
        error: One of :data:`ERRORS`; empty: any.
        number: Of the class that an error is about; None: any.
        below: Only scores up to this.
        edits: ``all``; only those ``with``, or ``without`` a corrected map.
        order: ``score`` (lowest first), ``errors`` (most first), ``name`` (as in the data).
    """

    branch: str = EITHER
    error: str = ""
    number: int | None = None
    below: float = 1.0
    edits: str = ALL
    order: str = "score"

    def __post_init__(self) -> None:
        known = {
            "branch": (ALL, EITHER, *BRANCHES),
            "error": ("", *ERRORS),
            "edits": (ALL, WITH, WITHOUT),
            "order": ORDERS,
        }
        for name, choices in known.items():
            value = getattr(self, name)
            if value not in choices:
                raise InputError.at("filter", name, " or ".join(choices), repr(value))
        if not 0.0 <= self.below <= 1.0:
            raise InputError.at("filter", "below", "0 to 1", f"{self.below:g}")

    def takes(self, entry: Entry, edited: bool) -> bool:
        """Whether an image is wanted.

        Args:
            entry: The image.
            edited: Whether it has a corrected map.
        """
        if entry.problem or (self.edits != ALL and edited != (self.edits == WITH)):
            return False
        if not self._error_wanted(entry.verdict):
            return False
        return self.below >= 1.0 or (entry.score is not None and entry.score <= self.below)

    def _error_wanted(self, verdict: Verdict | None) -> bool:
        if verdict is None:
            return self.branch == ALL and not self.error and self.number is None
        by_branch = self.branch == ALL or verdict.misrecognised(self.branch)
        by_error = not self.error or self.error in verdict.errors
        by_class = self.number is None or self.number in verdict.classes
        return by_branch and by_error and by_class


@dataclass(frozen=True)
class Counts:
    """How far the queue is.

    Attributes:
        images: All of them.
        judged: Seen by the model, or found to be unusable.
        misrecognised: Of those judged, by either branch.
        edited: With a corrected map, as far as their files were read.
        edited_right: Of those, judged and not misrecognised.
    """

    images: int
    judged: int
    misrecognised: int
    edited: int
    edited_right: int


class Queue:
    """The images with what is known of them; filled by one thread, read by any.

    Args:
        names: Of the images, in their order.
        judge: Sees an image and says what is wrong with the answer: the entry of a number.
        digest: SHA-256 of the file of a number, or an InputError.
    """

    def __init__(
        self, names: Sequence[str], judge: Callable[[Entry], Entry], digest: Callable[[int], str]
    ) -> None:
        self._entries = [Entry(index, name) for index, name in enumerate(names)]
        self._judge, self._digest = judge, digest
        self._lock = threading.Lock()
        self._hashed = self._judged = 0

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, index: int) -> Entry:
        """What is known of an image."""
        return self._entries[index]

    def put(self, entry: Entry) -> None:
        """Note what is known of an image now."""
        with self._lock:
            self._entries[entry.index] = entry

    def advance(self, hash_first: bool) -> bool:
        """Do a small piece of the work; False: all is done.

        Args:
            hash_first: Whether to read all files before the first is judged, so that it is known
                soon which of them have a corrected map.
        """
        if hash_first and self._hashed < len(self):
            entry = self._entries[self._hashed]
            self._hashed += 1
            if not entry.digest and not entry.problem:
                try:
                    self.put(replace(entry, digest=self._digest(entry.index)))
                except InputError as error:
                    self.put(replace(entry, judged=True, problem=printable(str(error))))
            return True
        while self._judged < len(self):
            entry = self._entries[self._judged]
            self._judged += 1
            if not entry.judged:
                self.put(self._judge(entry))
                return True
        return False

    def select(self, wanted: Filter, edited: Collection[str]) -> list[Entry]:
        """The wanted images that are judged, in the wanted order.

        Args:
            wanted: Which.
            edited: Digests of the images that have a corrected map.
        """
        with self._lock:
            every = list(self._entries)
        found = [e for e in every if e.judged and wanted.takes(e, e.digest in edited)]
        if wanted.order == "score":
            found.sort(key=lambda entry: (entry.score is None, entry.score))
        elif wanted.order == "errors":
            found.sort(key=lambda e: -sum(e.verdict.errors.values()) if e.verdict else 0)
        return found

    def problems(self) -> list[Entry]:
        """Images that cannot be edited, with the reason."""
        with self._lock:
            return [entry for entry in self._entries if entry.problem]

    def counts(self, edited: Collection[str]) -> Counts:
        """How far it is; ``edited`` as in :meth:`select`."""
        with self._lock:
            every = list(self._entries)
        wrong = sum(1 for e in every if e.verdict is not None and e.verdict.misrecognised())
        with_map = [e for e in every if e.digest in edited]
        right = [e for e in with_map if e.verdict is not None and not e.verdict.misrecognised()]
        judged = sum(entry.judged for entry in every)
        return Counts(len(every), judged, wrong, len(with_map), len(right))
