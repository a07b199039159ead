"""Results of single runs, kept so that a table of many hours can be made in parts.

A run's result is a small file. Those that a table in the docs is made of lie under
``benchmarks/results/runs/``, so that another day and another machine go on with what is missing;
those of a trial (``--no-record``) lie in its ``--out``. A result counts only for the recipe that
it was made with. Defaults of settings are no part of a recipe: where one changes, or the code, the
results that it touches must be removed by hand.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.figures import RESULTS, machine
from benchmarks.parallel import claimed
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.files import plain, write_json
from dalearn_ros.training.loop import WEIGHTS

RUNS = RESULTS / "runs"
Entry = dict[str, Any]


@dataclass(frozen=True)
class KeptRuns:
    """The finished runs of one benchmark.

    Attributes:
        folder: A JSON file for each.
    """

    folder: Path

    @classmethod
    def of(cls, benchmark: str, out: Path, trial: bool) -> KeptRuns:
        """Those that count, or those of a trial in its ``--out``."""
        return cls(out / "results" if trial else RUNS / benchmark)

    def once(self, name: str, recipe: Any, work: Callable[[], Entry]) -> Entry | None:
        """Do a run unless its result is there or another process is at it.

        Args:
            name: Of the run, unique in the benchmark.
            recipe: All that its result depends on, as values that JSON knows; of settings those
                that are not defaults (:func:`dalearn_ros.recipe.plan.settings_parts`).
            work: Does it; returns its result.

        Returns:
            The result, None if it was not made here.
        """
        file = self._file(name)
        key = fingerprint(recipe)
        with claimed(file, lambda: _counts(file, key)) as mine:
            if not mine:
                return None
            found = work()
            where = {"recipe": key, "machine": machine(), "date": date.today().isoformat()}
            write_json(file, {**where, **found})
            return found

    def entries(self, recipes: Mapping[str, Any] | None = None) -> list[Entry]:
        """Results in the order of their names: all, or of these runs those with these recipes."""
        files = sorted(self.folder.glob("*.json"))
        if recipes is not None:
            keys = {self._file(name): fingerprint(recipe) for name, recipe in recipes.items()}
            files = [file for file in files if file in keys and _counts(file, keys[file])]
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def _file(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '_').replace(',', '')}.json"


def fingerprint(recipe: Any) -> str:
    """Ten hexadecimal digits that another recipe does not have."""
    text = json.dumps(plain(recipe), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def digest_of_start(run: Path) -> str:
    """SHA-256 (hexadecimal) of a run's weights, for the recipe of what begins with it."""
    return sha256_of(run / WEIGHTS)


def machines_of(entries: Sequence[Entry]) -> str:
    """A sentence that says where the runs of a table were made and when; empty without any."""
    counts = Counter((entry["machine"], entry["date"]) for entry in entries)
    parts = [f"{count} on {name} ({day})" for (name, day), count in sorted(counts.items())]
    return f"Runs: {', '.join(parts)}." if parts else ""


def _counts(file: Path, key: str) -> bool:
    if not file.is_file():
        return False
    return bool(json.loads(file.read_text(encoding="utf-8")).get("recipe") == key)
