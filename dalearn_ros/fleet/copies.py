"""Bags of a fleet that are the same recording on the same map: known before any work is done."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from dalearn_ros.core.errors import InputError
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.identity import files_of, identity_of, identity_of_map
from dalearn_ros.fleet.parts import Recording

_AT_ONCE = 16  # bags whose sizes are asked for: a file server answers many at a time


def copies_of(bags: Sequence[FleetBag], known: Mapping[Recording, str]) -> dict[str, str]:
    """Copies among the bags: name → name of the bag that counts instead.

    That is the one in the results, else the first in the list. Only bags whose files have the same
    sizes are read, the others cannot be copies. A bag that cannot be read is none here; so what is
    done is compared once more before it is committed.

    Args:
        bags: The fleet.
        known: Recordings in the results → the bag that counts for them.
    """
    alike = defaultdict(list)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for bag, sizes in zip(bags, pool.map(_sizes, bags), strict=True):
            alike[sizes].append(bag)
    counts, found = dict(known), dict[str, str]()
    for sizes, some in alike.items():
        if not sizes or len(some) == 1:
            continue
        for bag in some:
            recording = _recording(bag)
            if recording is not None and counts.setdefault(recording, bag.name) != bag.name:
                found[bag.name] = counts[recording]
    return found


def _sizes(bag: FleetBag) -> tuple[int, ...]:
    """Sizes of a bag's files in the order of their names; empty if it cannot be read."""
    try:
        return tuple(os.stat(file).st_size for file in files_of(bag.bag))
    except OSError:
        return ()


def _recording(bag: FleetBag) -> Recording | None:
    try:
        return identity_of(bag.bag), identity_of_map(bag.map)
    except InputError:
        return None
