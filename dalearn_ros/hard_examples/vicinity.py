"""Parameters of a store in the neighbourhood of one: by its cell, by its place, and new ones (H7).

Each takes and gives single parameters: where several areas were converted, every one of them has
its own neighbours (H13).
"""

from __future__ import annotations

import numpy as np

from dalearn_ros.hard_examples.light_table import SAME
from dalearn_ros.hard_examples.neighbours import (
    LEAST_STD,
    Bounds,
    generate,
    nearest_first,
    possible_colours,
)
from dalearn_ros.hard_examples.statistics import Distribution
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_rows import Parameter

Random = np.random.Generator


def by_cell(
    store: ParameterStore, hurt: Parameter, unused: bool = True
) -> list[tuple[Parameter, str]]:
    """Parameters in the same, in neighbouring and in associated cells of the table (H7a).

    Args:
        store: Where to look.
        hurt: The parameter that hurt; it is not among the answers.
        unused: Only those that took part in no conversion yet.

    Returns:
        Parameters with ``same``, ``neighbour`` or ``associated``, in this order.
    """
    found = []
    for cell, why in store.table.related(hurt.cell).items():
        for one in store.parameters(cell.area, cell.condition, unused=unused):
            if one.id != hurt.id:
                found.append((one, why))
    order = [SAME, "neighbour", "associated"]
    return sorted(found, key=lambda entry: (order.index(entry[1]), entry[0].id))


def by_distance(
    store: ParameterStore, hurt: Parameter, bounds: Bounds, unused: bool = True
) -> list[Parameter]:
    """Parameters of the same area within the bounds, whatever their condition, nearest first (H7b).

    Args:
        store: Where to look.
        hurt: The parameter that hurt; it is not among the answers.
        bounds: How far they may lie, as ``NeighbourSettings.bounds`` gives them.
        unused: Only those that took part in no conversion yet.
    """
    others = [one for one in store.parameters(hurt.cell.area, unused=unused) if one.id != hurt.id]
    vectors = [one.distribution.vector for one in others]
    return [others[i] for i in nearest_first(vectors, hurt.distribution.vector, bounds)]


def new_ones(
    store: ParameterStore, hurt: Parameter, bounds: Bounds, random: Random, count: int = 1
) -> list[Parameter]:
    """Parameters that are generated within the bounds and put into the store (H7c).

    Their deviations are above 0, those that do not change too, and their means are colours that an
    image can show. There may be fewer than ``count`` where hardly anything within the bounds is
    possible.
    """
    centre = np.array(hurt.distribution.vector)
    centre[1::2] = np.maximum(centre[1::2], LEAST_STD)  # of grey areas a* and b* have none
    vectors = generate(
        centre, bounds, random, count,
        lambda drawn: possible_colours(drawn, store.space),
    )  # fmt: skip
    return [store.add_generated(Distribution.of_vector(vector), hurt) for vector in vectors]
