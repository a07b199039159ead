"""What a search has found, as figures: by outcome, by rule, by condition and class."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dalearn_ros.core.progress import track
from dalearn_ros.hard_examples.found import HardImages
from dalearn_ros.hard_examples.hunt import Detect
from dalearn_ros.hard_examples.recognition import recognise
from dalearn_ros.hard_examples.search import HARD, ORIGINAL_FAILS
from dalearn_ros.hard_examples.search_settings import AccuracySettings
from dalearn_ros.hard_examples.sources import Sources
from dalearn_ros.hard_examples.tries import DRAWN, KEPT
from dalearn_ros.hard_examples.try_log import Entry
from dalearn_ros.landmarks.catalogue import LabelSpace

JUDGED = 100  # hard images on which both networks are compared


def summarise(entries: Sequence[Entry], label_space: LabelSpace) -> dict[str, Any]:
    """Figures of all tries.

    Returns:
        ``tried``; ``outcomes``: how many had each; ``drawn`` and ``explored`` with ``tried`` and
        ``hard``; ``rules``: of each rule how often a hard conversion had a parameter by it and how
        often any had; ``conditions``: of each, and of each conversion but colours, ``tried``,
        ``hard``, ``original_fails``, and of the tries that are none of these ``accuracy`` (mean;
        None: there is none) and ``classes``, class → ``recognised`` of ``objects``.
    """
    rules: dict[str, Counter[str]] = defaultdict(Counter)
    kinds = {"drawn": Counter[str](), "explored": Counter[str]()}
    for entry in entries:
        hard = int(entry.outcome == HARD)
        counted = [rules[why] for why in {*entry.rules.values()} - {DRAWN, KEPT}]
        for counter in [*counted, kinds["drawn" if entry.parent is None else "explored"]]:
            counter.update(tried=1, hard=hard)
    conditions = {}
    for name in sorted({entry.condition for entry in entries}):
        own = [entry for entry in entries if entry.condition == name]
        telling = [entry for entry in own if entry.outcome != ORIGINAL_FAILS]
        conditions[name] = {
            "tried": len(own),
            "hard": sum(entry.outcome == HARD for entry in own),
            "original_fails": len(own) - len(telling),
            "accuracy": float(np.mean([one.accuracy for one in telling])) if telling else None,
            "classes": _classes(telling, label_space),
        }
    return {
        "tried": len(entries),
        "outcomes": dict(Counter(entry.outcome for entry in entries)),
        **{kind: {"tried": c["tried"], "hard": c["hard"]} for kind, c in kinds.items()},
        "rules": {why: dict(counter) for why, counter in rules.items()},
        "conditions": conditions,
    }


def compare(
    found: HardImages, sources: Sources, before: Detect, after: Detect, how: AccuracySettings
) -> dict[str, Any]:
    """Recognition accuracy of hard images and of their originals, before and after learning.

    Args:
        found: At most ``JUDGED`` of them are looked at, evenly chosen.
        sources: Their sources.
        before: What the start sees in an image.
        after: What the hardened model sees.
        how: The measure.

    Returns:
        ``images``; ``hard`` and ``originals``, each with mean accuracy ``before`` and ``after``.
    """
    count = min(JUDGED, len(found))
    places = np.linspace(0, len(found) - 1, count).round().astype(int)
    rows = [int(place) for place in np.unique(places)]
    data = found.dataset()
    values: dict[str, list[list[float]]] = {"hard": [], "originals": []}
    for i in track(rows, len(rows), "compare"):
        one = found.found[i]
        originals, place, _ = sources.frames[one.row]
        for kind, image, truth in (
            ("hard", data.image(i), found.labels(one)),
            ("originals", originals.image(place), sources.labels(one.row)),
        ):
            pair = [
                recognise(truth, detect(image), how.measure, how.tau_px).accuracy or 0.0
                for detect in (before, after)
            ]
            values[kind].append(pair)
    found_means: dict[str, Any] = {"images": len(rows)}
    for kind, pairs in values.items():
        mean = np.mean(pairs, axis=0) if pairs else [None, None]
        found_means[kind] = {"before": mean[0], "after": mean[1]}
    return found_means


def timing(entries: Sequence[Entry], minutes: float) -> dict[str, Any]:
    """Images tried per second, and what the time of a try goes to.

    Args:
        entries: All tries.
        minutes: Of the run, learning included.

    Returns:
        ``tries``, ``search_seconds``, ``tries_per_second``, ``minutes``, and ``share`` of ``read``,
        ``convert``, ``recognise`` and ``rest``.
    """
    parts: Counter[str] = Counter()
    for entry in entries:
        parts.update(entry.seconds)
    total = sum(parts.values())
    return {
        "tries": len(entries),
        "search_seconds": total,
        "tries_per_second": len(entries) / total if total else None,
        "share": {name: value / total for name, value in parts.items() if total},
        "minutes": minutes,
    }


def _classes(entries: Sequence[Entry], space: LabelSpace) -> dict[str, Mapping[str, int]]:
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        for class_id, (right, true) in entry.classes.items():
            sums[class_id][0] += right
            sums[class_id][1] += true
    return {
        space.names[class_id]: {"recognised": right, "objects": true}
        for class_id, (right, true) in sorted(sums.items())
    }
