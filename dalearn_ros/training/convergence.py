"""When has training converged (D15)?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Convergence:
    """Watches the mean of a loss over windows of steps.

    Training has converged when ``patience`` windows in a row have not brought the mean below the
    best one by the share ``tolerance``.

    Attributes:
        window: Steps of a window.
        patience: Windows without progress; 0 never stops.
        tolerance: Share of the best mean that counts as progress.
    """

    window: int
    patience: int
    tolerance: float
    best: float = math.inf
    stale: int = 0
    pending: list[float] = field(default_factory=list)

    def update(self, value: float) -> bool:
        """Take in the loss of a step; True once training has converged."""
        self.pending.append(value)
        if len(self.pending) < self.window:
            return False
        mean = sum(self.pending) / len(self.pending)
        self.pending.clear()
        if mean < self.best * (1.0 - self.tolerance):
            self.best, self.stale = mean, 0
        else:
            self.stale += 1
        return 0 < self.patience <= self.stale
