"""What a target of a store lacked when it was put in: areas, and its index image."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dalearn_ros.datasets.areas import encode_index
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.statistics import AreaStatistics
from dalearn_ros.hard_examples.store import ParameterStore, measured
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.store_schema import transaction

Image = npt.NDArray[np.uint8]


def complete_target(
    store: ParameterStore,
    digest: str,
    condition: Condition,
    statistics: AreaStatistics,
    index: Image | None,
) -> int:
    """Give a target that is in a store the areas that it lacks, and an index image if it has none.

    Args:
        store: Opened to write.
        digest: Of the image's content.
        condition: The target is the image under this one.
        statistics: Of its areas, in the store's colour space.
        index: Its index image, made smaller or not; None: none is kept.

    Returns:
        How many areas it lacked.
    """
    target = target_of(store, digest, condition)
    encoded = None if index is None else encode_index(index)
    names = json.dumps(list(statistics.names[:-1]))
    with transaction(store.db):
        return len(fill(store, target, measured(condition, statistics), encoded, names))


def target_of(store: ParameterStore, digest: str, condition: Condition) -> int:
    """The id of a target that the store has."""
    row = store.db.execute(
        "SELECT id FROM targets WHERE digest = ? AND time = ? AND weather = ?",
        (digest, condition.time, condition.weather),
    ).fetchone()
    return int(row["id"])


def fill(
    store: ParameterStore,
    target: int,
    found: Mapping[str, Parameter],
    index_png: bytes | None,
    index_names: str | None,
) -> dict[str, int]:
    """Put in what a target lacks; to be called within a transaction.

    Args:
        store: Opened to write.
        target: Its id.
        found: Area → parameter.
        index_png: Index image; None: there is none.
        index_names: Its names as JSON.

    Returns:
        Area → id, of the areas that it lacked.
    """
    there = store.of_target(target)
    if index_png is not None:
        store.db.execute(
            "UPDATE targets SET index_png = ?, index_names = ? WHERE id = ? AND index_png IS NULL",
            (index_png, index_names, target),
        )
    return {
        area: store.insert(dataclasses.replace(one, target=target))
        for area, one in found.items()
        if area not in there
    }
