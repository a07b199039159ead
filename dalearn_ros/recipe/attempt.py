"""One attempt at a step: its folder and its record, which agree whenever the process is killed."""

from __future__ import annotations

import shutil
import time
from typing import Any

from dalearn_ros.core.files import fsync_tree, remove_leftovers
from dalearn_ros.recipe.plan import CONTINUED, Step
from dalearn_ros.recipe.records import read_record, result_in, write_record

NOTED_S = 30.0  # so much time, at most, is missing in the report after a kill


class Attempt:
    """Keeps the record of a step that is worked on.

    A result that is there already, and lacks something, stays until the new one is whole: the work
    is done beside it, and its record is left alone.

    Args:
        step: The step.

    Attributes:
        folder: Where the work is to be done; nothing is there unless the step goes on.
        replaces: A finished result of the same key stays until :meth:`finish`.
        goes_on: It goes on where it was interrupted.
        record: What is known of it: ``seconds`` with those of the attempts that it goes on from,
            ``seconds_now`` without.
    """

    def __init__(self, step: Step) -> None:
        self.step, self.folder = step, step.folder
        before = read_record(step.folder) or {}
        self.replaces = result_in(step.folder) is not None
        beside = step.folder.with_name(step.folder.name + ".new")
        shutil.rmtree(beside, ignore_errors=True)
        remove_leftovers(step.folder.parent, step.folder.name)
        self.goes_on = step.resumes and step.state == CONTINUED and not self.replaces
        if self.replaces:
            self.folder = beside
        elif not self.goes_on:
            shutil.rmtree(step.folder, ignore_errors=True)
        self._start = self._noted = time.monotonic()
        self._earlier = before.get("seconds", 0.0) if self.goes_on else 0.0
        self.record: dict[str, Any] = {
            "name": step.name,
            "key": step.key,
            "parts": step.parts,
            "places": step.places,
        }

    def note(self, **values: Any) -> None:
        """Add to the record, unless it is the one of the result that stays."""
        self._add(values)
        if not self.replaces:
            write_record(self.step.folder, self.record)

    def alive(self) -> None:
        """Keep the time that was used, now and then."""
        if time.monotonic() - self._noted >= NOTED_S:
            self._noted = time.monotonic()
            self.note()

    def discard(self) -> None:
        """Remove what was made."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin_anew(self) -> None:
        """Go on no more from what was interrupted."""
        self.discard()
        self.goes_on, self._earlier = False, 0.0

    def finish(self, **values: Any) -> None:
        """The result is whole, and on the disk before the record says so.

        Raises:
            InputError: The disk is full or broken.
        """
        if self.folder.is_dir():
            fsync_tree(self.folder)
        if self.replaces:
            shutil.rmtree(self.step.folder)
            self.folder.rename(self.step.folder)
        self._add({"finished": True, **values})
        write_record(self.step.folder, self.record)

    def _add(self, values: dict[str, Any]) -> None:
        now = time.monotonic() - self._start
        self.record.update(values, seconds=self._earlier + now, seconds_now=now)
