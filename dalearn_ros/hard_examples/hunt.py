"""The loop of a search: convert, recognise, keep what is hard (H6)."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.hard_examples.colour_conversion import COLOURS
from dalearn_ros.hard_examples.conversion import Conversion, Sample
from dalearn_ros.hard_examples.found import HardImage, HardImages
from dalearn_ros.hard_examples.recognition import Recognition, recognise
from dalearn_ros.hard_examples.search import HARD, ORIGINAL_FAILS, NothingLeft, Search
from dalearn_ros.hard_examples.search_settings import HardenSettings, wanted_outputs
from dalearn_ros.hard_examples.sources import Sources
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.tries import Try
from dalearn_ros.hard_examples.try_log import Entry, TryLog
from dalearn_ros.landmarks.types import Labels, Observations

Image = npt.NDArray[np.uint8]
Detect = Callable[[Image], Observations]
STUCK = "the model fails on every image unconverted, too"


class Hunt:
    """One search with its images, its store and its log.

    Attributes:
        ended: Why the search ended before its budget; empty: it did not.
    """

    def __init__(
        self,
        search: Search,
        store: ParameterStore | None,
        sources: Sources,
        found: HardImages,
        log: TryLog,
        settings: HardenSettings,
        model: str,
    ) -> None:
        """Begin, or go on where the log ends.

        Args:
            search: At its beginning.
            store: As it was at the beginning, opened to write; None: no colours are converted.
            sources: Images that are converted.
            found: Takes the hard ones.
            log: May have tries of before; they are not converted again.
            settings: All of them.
            model: Name of the start; a version is this and the number of steps since.

        Raises:
            ModelError: The log is of another search, or a hard image is missing.
        """
        self.search, self.store, self.sources, self.found = search, store, sources, found
        self.log, self.settings, self._model = log, settings, model
        self._step = 0
        self._originals: dict[int, float] = {}
        self.ended = ""
        for entry in log.entries:
            self._at(entry.step)
            one = search.propose()
            entry.check(one, log.path)
            self._told(one, entry, None)
        self._seconds = sum(sum(entry.seconds.values()) for entry in log.entries)
        if self._went_on_without():
            self.ended = STUCK

    @property
    def over(self) -> bool:
        """Is the budget spent, or the search ended before?"""
        limit = self.settings.search.minutes
        spent = limit is not None and self._seconds >= 60.0 * limit
        return self.search.over or spent or bool(self.ended)

    def seconds(self, step: int) -> float:
        """Time of all tries under the model that had learnt so many gradient steps, s."""
        return sum(sum(one.seconds.values()) for one in self.log.entries if one.step == step)

    def until(self, wanted: int, step: int, detect: Detect) -> None:
        """Try conversions until there are so many hard images, or the search is over.

        With the budget it is over, or with a model that fails on every source image unconverted.

        Args:
            wanted: Hard images in all.
            step: Gradient steps that the model has learnt.
            detect: What it sees in an image.

        Raises:
            NothingLeft: The model fails on all of them, and there is no hard image yet.
            DatasetError: A source image cannot be read.
        """
        while len(self.found) < wanted and not self.over:
            self._at(step)
            try:
                self._try(step, detect)
            except NothingLeft:
                if not len(self.found):
                    raise
                self.ended = STUCK
                told = "the search ends before its budget, with %d hard images: %s"
                logging.getLogger(__name__).warning(told, len(self.found), STUCK)

    def _went_on_without(self) -> bool:
        """Did the run that is gone on with learn without hard images that were still wanted?

        Then its search had ended before the budget, at a model whose failures are not known now.
        """
        last = self.log.last_step
        there = sum(one.name is not None and one.step < last for one in self.log.entries)
        return last > 0 and not self.over and there < wanted_outputs(self.settings, last - 1)

    def _at(self, step: int) -> None:
        if step != self._step:
            self._step = step
            self._originals.clear()
            self.search.updated()

    def _try(self, step: int, detect: Detect) -> None:
        clock = time.perf_counter
        begun = clock()
        one = self.search.propose()
        proposed = clock()
        source = self.sources.prepared(one.row, self._conversion(one))
        read = clock()
        converted_as = source.convert(one.targets)
        made = converted_as.sample
        converted = clock()
        found, original, outcome = self._judged(one, source.sample, made, detect)
        recognised = clock()
        seconds = {
            "read": read - proposed,
            "convert": converted - read,
            "recognise": recognised - converted,
        }
        name = f"{self.sources.name(one.row)}_hard{one.number:06d}" if outcome == HARD else None
        entry = Entry(
            number=one.number,
            row=one.row,
            source=self.sources.name(one.row),
            step=step,
            model=f"{self._model}+{step}",
            parameters={area: parameter.id for area, parameter in one.parameters.items()},
            rules=dict(one.rules),
            parent=one.parent,
            condition=one.condition,
            accuracy=_of(found),
            original=original,
            outcome=outcome,
            classes=found.classes,
            name=name,
            seconds=seconds,
            conversion=one.conversion,
            vectors=dict(one.vectors),
            notes={name: value for name, value in converted_as.notes.items() if value},
        )
        self._keep(one, entry, made)
        rest = proposed - begun + clock() - recognised
        entry = dataclasses.replace(entry, seconds={**seconds, "rest": rest})
        self.log.add(entry)
        self._seconds += sum(entry.seconds.values())

    def _judged(
        self, one: Try, source: Sample, made: Sample, detect: Detect
    ) -> tuple[Recognition, float | None, str]:
        """How well the converted image is recognised, its original if asked, and the outcome."""
        found, own = self._recognised(made.labels, made.image, detect), self.settings.search
        accuracy, original = _of(found), None
        if accuracy < own.threshold and own.failing_originals != "use":
            original = self._original(one.row, source, detect)
        outcome = self.search.tell(accuracy, original)
        if outcome == HARD and original is None:
            original = self._original(one.row, source, detect)
        return found, original, outcome

    def _told(self, one: Try, entry: Entry, made: Sample | None) -> None:
        """Of a try that was done before: what it left behind."""
        self.search.tell(entry.accuracy, entry.original)
        if entry.original is not None:
            self._originals[entry.row] = entry.original
        self._keep(one, entry, made)

    def _keep(self, one: Try, entry: Entry, made: Sample | None) -> None:
        if self.store is not None:  # where the original fails, nothing follows for the colours
            accuracy = None if entry.outcome == ORIGINAL_FAILS else entry.accuracy
            self.store.record_use(list(entry.parameters.values()), accuracy, entry.model)
        if entry.name is not None:
            about, moved = self._provenance(one, entry), self._conversion(one).moves
            self.found.add(HardImage(entry.name, entry.row, about, moved), made)

    def _conversion(self, one: Try) -> Conversion:
        return self.search.ways[one.conversion].conversion

    def _provenance(self, one: Try, entry: Entry) -> dict[str, Any]:
        dataset, index, _ = self.sources.frames[one.row]
        return {
            "dataset": str(dataset.path),
            "image": dataset.meta(index)["file_name"],
            **self._changes(one),
            "try": one.number,
            "parent": one.parent,
            "notes": dict(entry.notes),
            "accuracy_before": entry.original,
            "accuracy": entry.accuracy,
            "model": entry.model,
        }

    def _changes(self, one: Try) -> dict[str, Any]:
        """What was changed, and how: areas of colours, parts of other conversions."""
        if one.conversion == COLOURS:
            areas = {
                area: {
                    "parameter": parameter.id,
                    "condition": str(parameter.cell.condition),
                    "mean": list(parameter.distribution.mean),
                    "std": list(parameter.distribution.std),
                    "rule": one.rules[area],
                }
                for area, parameter in one.parameters.items()
            }
            return {"areas": areas}
        names = [axis.name for axis in self._conversion(one).axes]
        parts = {
            part: {**dict(zip(names, vector, strict=True)), "rule": one.rules[part]}
            for part, vector in one.vectors.items()
        }
        return {"conversion": one.conversion, "parts": parts}

    def _recognised(self, truth: Labels, image: Image, detect: Detect) -> Recognition:
        own = self.settings.accuracy
        return recognise(truth, detect(image), own.measure, own.tau_px)

    def _original(self, row: int, original: Sample, detect: Detect) -> float:
        if row not in self._originals:
            found = self._recognised(original.labels, original.image, detect)
            self._originals[row] = _of(found)
        return self._originals[row]


def _of(found: Recognition) -> float:
    if found.accuracy is None:  # sources without objects were left out
        raise DatasetError("The labels of a source image have changed while it was searched.")
    return found.accuracy
