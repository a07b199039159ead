"""Settings with which a tiny detector learns where to look in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dalearn_ros.attention.retrain import retrain_settings
from dalearn_ros.attention.retrain_settings import RetrainSettings
from dalearn_ros.core.settings import dump_settings, load_settings, merged

TINY: dict[str, Any] = {
    "crops": {"width": 96, "height": 64},
    "batch": {"size": 2, "crops_per_image": 1, "workers": 0, "threads": 1, "cache_mb": 1},
    "loop": {"steps": 4, "warmup_steps": 1, "log_every": 1, "checkpoint_every": 1},
    "validation": {"images": 2},
}


def retraining(init: Path, changes: dict[str, Any] | None = None) -> RetrainSettings:
    """The tiny settings for a start, with changes, key by key."""
    base = dump_settings(retrain_settings(init, None))
    return load_settings(RetrainSettings, None, merged(base, merged(TINY, changes or {})))
