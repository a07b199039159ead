"""When self-training runs, and the weights of the losses (U3 to U5, U18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dalearn_ros.adaptation.settings import (
    AdaptationSettings,
    SelfTrainingSettings,
    StartSettings,
    StopSettings,
)


class Weights(NamedTuple):
    """Factors of the losses at a step: θ_s, θ_d, θ_p and θ_m."""

    source: float
    domain: float
    self_training: float
    few_shot: float


def fall(progress: float, settings: SelfTrainingSettings) -> float:
    """f(λ) of Expr. 2: 1 up to λ_s, then a straight fall, clamped to 0 from λ_max on.

    Args:
        progress: λ, 0 when self-training starts to 1 at the end of the schedule.
        settings: ``fall_from`` is λ_s, ``fall_to`` λ_max.
    """
    low, high = settings.fall_from, settings.fall_to
    return min(1.0, max(0.0, 1.0 - (progress - low) / (high - low)))


def still_falls(history: Sequence[float], window: int, tolerance: float) -> bool:
    """Does a loss tend to fall?

    It does as long as there are fewer than two windows of it, or if the mean of the last window
    is lower than that of the window before by more than the share ``tolerance``.

    Args:
        history: The loss of each step, the newest last.
        window: Steps of a window.
        tolerance: Share of the earlier mean.
    """
    if len(history) < 2 * window:
        return True
    now = sum(history[-window:]) / window
    before = sum(history[-2 * window : -window]) / window
    return now < before - tolerance * abs(before)


def reason_to_start(history: Sequence[float], progress: float, settings: StartSettings) -> str:
    """Why self-training starts (U4); empty if it does not.

    Args:
        history: The source loss of each step, the newest last.
        progress: Share of the schedule that is done.
        settings: The rule.
    """
    done = f"{settings.share:.0%} of the schedule are done" if progress >= settings.share else ""
    if settings.rule == "threshold":
        mean = _recent(history, settings.window)
        low = mean is not None and mean <= settings.source_threshold
        reached = f"the source loss is at most {settings.source_threshold:g}" if low else ""
        return reached or done
    falls = still_falls(history, settings.window, settings.tolerance)
    flat = "" if falls else "the source loss no longer falls"
    if settings.rule == "any":
        return flat or done
    return f"{flat} and {done}" if flat and done else ""


def reason_to_stop(
    source: Sequence[float], domain: Sequence[float], window: int, settings: StopSettings
) -> str:
    """Why self-training stops (U5); empty if it does not.

    Args:
        source: The source loss of each step, the newest last.
        domain: The domain loss likewise.
        window: Steps whose mean is compared.
        settings: The thresholds.
    """
    for name, history, threshold in (
        ("source", source, settings.source_threshold),
        ("domain", domain, settings.domain_threshold),
    ):
        mean = _recent(history, window)
        if threshold is not None and mean is not None and mean >= threshold:
            return f"the {name} loss {mean:.4g} is at least {threshold:g}"
    return ""


def _recent(history: Sequence[float], window: int) -> float | None:
    return sum(history[-window:]) / window if len(history) >= window else None


@dataclass
class Schedule:
    """Switches self-training on and off as the losses say.

    Attributes:
        settings: Weights, start and stop.
        running: Is it on?
        since: Progress at which it was switched on last.
        events: (step, what, why) of each switch.
        source: Source losses of the last two windows.
        domain: Domain losses likewise.
    """

    settings: AdaptationSettings
    running: bool = False
    since: float = 0.0
    events: list[tuple[int, str, str]] = field(default_factory=list)
    source: list[float] = field(default_factory=list)
    domain: list[float] = field(default_factory=list)

    def update(self, step: int, progress: float, source: float, domain: float) -> None:
        """Take in the losses of a step.

        Args:
            step: Steps done.
            progress: Share of the schedule that is done.
            source: Source loss of the step.
            domain: Domain loss of the step.
        """
        own = self.settings.self_training
        keep = 2 * own.start.window
        self.source = [*self.source, source][-keep:]
        self.domain = [*self.domain, domain][-keep:]
        if own.weight == 0.0:
            return
        if self.running:
            why = reason_to_stop(self.source, self.domain, own.start.window, own.stop)
            if why:
                self._switch(step, progress, "stopped", why)
        elif not self.events or own.stop.restart:
            again = reason_to_stop(self.source, self.domain, own.start.window, own.stop)
            why = "" if again else reason_to_start(self.source, progress, own.start)
            if why:
                self._switch(step, progress, "started", why)

    def weights(self, progress: float) -> Weights:
        """Of the next step; full values of the others while self-training is off."""
        all_, own = self.settings, self.settings.self_training
        if not self.running:
            return Weights(all_.source_weight, all_.domain.weight, 0.0, all_.few_shot_weight)
        left = max(1e-9, 1.0 - self.since)
        share = fall(min(1.0, max(0.0, (progress - self.since) / left)), own)
        rising = own.weight * (1.0 - share) if own.rising else own.weight
        return Weights(
            all_.source_weight * share, all_.domain.weight * share, rising, all_.few_shot_weight
        )

    def state(self) -> dict[str, Any]:
        """All that changes, as JSON values."""
        return {
            "running": self.running,
            "since": self.since,
            "events": [list(event) for event in self.events],
            "source": self.source,
            "domain": self.domain,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        self.running, self.since = bool(state["running"]), float(state["since"])
        self.events = [(int(step), str(what), str(why)) for step, what, why in state["events"]]
        self.source = [float(value) for value in state["source"]]
        self.domain = [float(value) for value in state["domain"]]

    def _switch(self, step: int, progress: float, what: str, why: str) -> None:
        self.running = what == "started"
        self.since = progress
        self.events.append((step, what, why))
