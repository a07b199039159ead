"""A search without a network: an answer is given to each of its tries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dalearn_ros.core.settings import load_settings
from dalearn_ros.hard_examples.search import Search
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.tries import Try

Answer = Callable[[Try], tuple[float, float | None]]


def settings(**sections: Mapping[str, Any]) -> HardenSettings:
    """Defaults, but for some values."""
    return load_settings(HardenSettings, None, sections)


def answered(search: Search, tries: int, answer: Answer) -> list[tuple[Try, str]]:
    """Each try and what became of it."""
    found = []
    for _ in range(tries):
        one = search.propose()
        found.append((one, search.tell(*answer(one))))
    return found
