"""Scenario verdicts: evaluate each bag or dataset, and hold its figures against the limits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import DalearnError, InputError
from dalearn_ros.core.files import plain
from dalearn_ros.evaluation.collector import RESULTS, Collector
from dalearn_ros.evaluation.drive import Detector
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.names import COUNTED, figures_of, why_unknown
from dalearn_ros.evaluation.replay import evaluate_bag, evaluate_dataset
from dalearn_ros.evaluation.scenario import Limit, Scenario
from dalearn_ros.localization.settings import LocalizerSettings

VERDICT, JUNIT = "verdict.json", "junit.xml"
PASSED, FAILED, ERROR = "passed", "failed", "error"


@dataclass(frozen=True)
class LimitResult:
    """What became of a limit.

    Attributes:
        limit: The limit.
        value: The figure; NaN if there is none.
        state: ``passed``, ``failed``, or ``error``: the scenario could not be evaluated.
        reason: Why it did not pass, a sentence; empty if it did.
    """

    limit: Limit
    value: float
    state: str
    reason: str


@dataclass(frozen=True)
class ScenarioResult:
    """What became of a scenario.

    Attributes:
        name: Its name.
        state: ``passed``; ``failed``: a limit did; ``error``: it could not be evaluated.
        reason: Of an error, a sentence; else empty.
        limits: Each limit.
        seconds: That it took.
    """

    name: str
    state: str
    reason: str
    limits: tuple[LimitResult, ...]
    seconds: float


def remove_earlier(out: Path, scenarios: Sequence[Scenario] = ()) -> None:
    """Remove what an earlier run has left, so that nobody takes it for the result of this one.

    Args:
        out: Its ``verdict.json`` and ``junit.xml`` are removed.
        scenarios: Of these the results in ``out/NAME``; other files stay.

    Raises:
        InputError: A file cannot be removed.
    """
    folders = [out / scenario.entry.name for scenario in scenarios]
    files = [out / VERDICT, out / JUNIT, *(f / name for f in folders for name in RESULTS)]
    try:
        for file in files:
            file.unlink(missing_ok=True)
        for folder in folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be removed ({error.strerror}).") from None


def judge(limits: Sequence[Limit], figures: Mapping[str, float]) -> tuple[LimitResult, ...]:
    """Hold figures against limits; a figure that is not known fails.

    Args:
        limits: The limits.
        figures: Name → value, NaN if it is not known.
    """
    results = []
    for limit in limits:
        zero = 0.0 if limit.metric.startswith(tuple(COUNTED)) else math.nan
        value = figures.get(limit.metric, zero)
        reason = ""
        if not math.isfinite(value):
            reason = f"{limit.metric} is not known: {why_unknown(limit.metric)}."
        elif not limit.keeps(value):
            reason = f"expected {limit}, found {value:.10g}."
        results.append(LimitResult(limit, value, FAILED if reason else PASSED, reason))
    return tuple(results)


def run_scenario(
    scenario: Scenario,
    detector: Detector,
    out: Path,
    localizer: LocalizerSettings,
    model: Path | None = None,
) -> ScenarioResult:
    """Evaluate one scenario into ``out``; whatever its input does wrong is in the result.

    Raises:
        KeyboardInterrupt: And the like; nothing else.
    """
    started = time.perf_counter()
    entry = scenario.entry
    try:
        collected = _evaluated(scenario, detector, localizer, model)
        metrics = collected.write(out)
    except DalearnError as error:
        return _broken(scenario, str(error), started)
    except Exception as error:  # a broken bag may raise anything, and the others go on
        return _broken(scenario, f"{type(error).__name__}: {error}", started)
    limits = judge(scenario.limits, figures_of(plain(metrics), plain(collected.clock.result())))
    state = FAILED if any(one.state == FAILED for one in limits) else PASSED
    return ScenarioResult(entry.name, state, "", limits, time.perf_counter() - started)


def run_scenarios(
    scenarios: Sequence[Scenario],
    detector: Detector,
    out: Path,
    localizer: LocalizerSettings,
    model: Path | None = None,
    say: Callable[[str], None] = print,
) -> tuple[ScenarioResult, ...]:
    """Evaluate all into ``out/NAME``, one after the other; a line for each."""
    results = []
    for scenario in scenarios:
        name = scenario.entry.name
        result = run_scenario(scenario, detector, out / name, localizer, model)
        results.append(result)
        say("\n".join([f"{result.state:<6}  {name}", *(f"        {r}" for r in reasons(result))]))
    return tuple(results)


def verdict(results: Sequence[ScenarioResult]) -> dict[str, Any]:
    """The content of ``verdict.json``.

    ``state`` is ``failed`` if any limit failed, else ``error`` if a scenario could not be
    evaluated, else ``passed``. ``limits`` has each limit as ``SCENARIO/FIGURE``.
    """
    states = {result.state for result in results}
    return {
        "version": 1,
        "state": next((s for s in (FAILED, ERROR) if s in states), PASSED),
        "scenarios": {r.name: {"state": r.state, "reason": r.reason} for r in results},
        "limits": {
            f"{result.name}/{one.limit.metric}": {
                "state": one.state,
                "value": one.value,
                "min": one.limit.minimum,
                "max": one.limit.maximum,
                "reason": one.reason,
            }
            for result in results
            for one in result.limits
        },
    }


def reasons(result: ScenarioResult) -> list[str]:
    """Why a scenario did not pass, a sentence each."""
    if result.state == ERROR:
        return [result.reason]
    return [one.reason for one in result.limits if one.reason]


def _evaluated(
    scenario: Scenario, detector: Detector, localizer: LocalizerSettings, model: Path | None
) -> Collector:
    entry = scenario.entry
    source: dict[str, Any] = {"scenario": entry.name, "model": model}
    if entry.data is not None:
        source["dataset"] = entry.data
        return evaluate_dataset(entry.data, detector, scenario.match_px, source)
    assert entry.bag is not None and entry.map is not None
    options = DriveOptions.of(entry, scenario.match_px, localizer)
    source |= {"bag": entry.bag, "map": entry.map}
    return evaluate_bag(entry.bag, entry.map, detector, options, source)


def _broken(scenario: Scenario, reason: str, started: float) -> ScenarioResult:
    limits = tuple(LimitResult(limit, math.nan, ERROR, reason) for limit in scenario.limits)
    seconds = time.perf_counter() - started
    return ScenarioResult(scenario.entry.name, ERROR, reason, limits, seconds)
