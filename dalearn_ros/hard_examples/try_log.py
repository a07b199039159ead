"""Every try of a search as a line of a file, from which a search goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.hard_examples.colour_conversion import COLOURS
from dalearn_ros.hard_examples.tries import Try


@dataclass(frozen=True)
class Entry:
    """What became of a try.

    Attributes:
        number: Of the try.
        row: Source image.
        source: Its name.
        step: Gradient steps that the model had learnt.
        model: Its version.
        parameters: Area → id in the run's store; of colours only.
        rules: Part → why this parameter.
        parent: The try that hurt, near which it is; None: drawn.
        condition: Time and weather of most of its parameters; of other conversions their name.
        accuracy: Of the converted image.
        original: Of the source under the same model; None: it was not asked for.
        outcome: As :meth:`Search.tell` says.
        classes: Class id → (recognised, true) objects.
        name: Of the hard image; None: it is none.
        seconds: Time of reading, converting, recognising (the original, too, where it is asked for)
            and the rest: choosing what to try, keeping it.
        conversion: Its name; this and ``vectors`` are left out of the line of a colour.
        vectors: Part → vector of another conversion than colours.
        notes: What was met in converting, as far as there was any: of colours ``empty``, ``flat``,
            ``clipped`` and ``changed`` of :class:`Converted`.
    """

    number: int
    row: int
    source: str
    step: int
    model: str
    parameters: Mapping[str, int]
    rules: Mapping[str, str]
    parent: int | None
    condition: str
    accuracy: float
    original: float | None
    outcome: str
    classes: Mapping[int, tuple[int, int]]
    name: str | None
    seconds: Mapping[str, float]
    conversion: str = COLOURS
    vectors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def check(self, one: Try, path: Path) -> None:
        """Raise ModelError unless this is what became of the given try."""
        ids = {area: parameter.id for area, parameter in one.parameters.items()}
        known = self.number, self.row, self.conversion, dict(self.parameters), dict(self.vectors)
        if known != (one.number, one.row, one.conversion, ids, dict(one.vectors)):
            raise ModelError(
                f"{path}: try {self.number} differs from what this run would do; store or images "
                "have changed. Start the run in a new --out."
            )


class TryLog:
    """The file.

    Attributes:
        entries: What is in it.
        last_step: Tries of models of later steps were dropped.
    """

    def __init__(self, path: Path, last_step: int) -> None:
        """Read what is there; tries of models of later steps than the given one are dropped.

        Raises:
            ModelError: The file is damaged.
        """
        self.path, self.last_step = path, last_step
        self.entries = [entry for entry in read_tries(path) if entry.step <= last_step]
        with atomic_file(path) as file:
            file.write_text("".join(map(_line, self.entries)), encoding="utf-8")

    def add(self, entry: Entry) -> None:
        """Append one; it is on the disk when this returns."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(entry))
        self.entries.append(entry)


def read_tries(path: Path) -> list[Entry]:
    """All tries in a file; a last line that was cut off is left out.

    Raises:
        ModelError: The file is damaged.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    entries = []
    for number, line in enumerate(lines[:-1], start=1):  # whole lines end with a line feed
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"{path}, line {number}: is no try of a search ({error}).") from None
    return entries


def _entry(content: dict[str, Any]) -> Entry:
    classes = {int(k): (int(r), int(t)) for k, (r, t) in content.pop("classes").items()}
    vectors = {part: (*map(float, v),) for part, v in content.pop("vectors", {}).items()}
    return Entry(**content, classes=classes, vectors=vectors)


def _line(entry: Entry) -> str:
    content = asdict(entry)
    if entry.conversion == COLOURS:
        del content["conversion"], content["vectors"]
    return json.dumps(content, sort_keys=True, allow_nan=False) + "\n"
