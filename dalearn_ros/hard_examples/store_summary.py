"""What a parameter store holds, in numbers and lines."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from dalearn_ros.hard_examples.store import ParameterStore


def summary(store: ParameterStore) -> dict[str, Any]:
    """Plain values: counts by condition and area, and how lightness is spread in each cell.

    ``cells`` has for every cell with parameters their number, how many were used, the median mean
    and deviation of the first channel, and the mean of the last accuracies.
    """
    cells: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[Any]] = {}
    for one in store.parameters():
        groups.setdefault(str(one.cell), []).append(one)
    for name, found in sorted(groups.items()):
        accuracies = [one.accuracy for one in found if one.accuracy is not None]
        cells[name] = {
            "parameters": len(found),
            "generated": sum(one.target is None for one in found),
            "used": sum(one.used > 0 for one in found),
            "mean": round(float(np.median([one.distribution.mean[0] for one in found])), 3),
            "deviation": round(float(np.median([one.distribution.std[0] for one in found])), 3),
            "accuracy": round(float(np.mean(accuracies)), 4) if accuracies else None,
        }
    areas = Counter(one.cell.area for group in groups.values() for one in group)
    return {
        "store": str(store.path),
        "colour_space": store.space.name,
        "spread": store.spread,
        "targets": len(store.targets()),
        "parameters": len(store),
        "conditions": {str(name): count for name, count in store.conditions().items()},
        "areas": dict(sorted(areas.items())),
        "cells": cells,
    }


def lines_of(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    space, spread = found["colour_space"], found["spread"]
    lines = [f"colour space {space}, {spread}s", "target images by condition:"]
    lines += [f"  {name:<18} {count}" for name, count in found["conditions"].items()]
    if found["cells"]:
        head = "cell", "count", "made", "used", "mean", "dev.", "accuracy"
        lines.append("{:<28} {:>6} {:>5} {:>5} {:>6} {:>6} {:>8}".format(*head))
    for name, cell in found["cells"].items():
        accuracy = "-" if cell["accuracy"] is None else f"{cell['accuracy']:.2f}"
        lines.append(
            f"{name:<28} {cell['parameters']:>6} {cell['generated']:>5} {cell['used']:>5} "
            f"{cell['mean']:>6.1f} {cell['deviation']:>6.1f} {accuracy:>8}"
        )
    return lines
