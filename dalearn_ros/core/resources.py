"""Files that travel with the package: ``config/``, ``models/``, ``launch/``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dalearn_ros.core.errors import InputError

PACKAGE = "dalearn_ros"


def resource(relative: str) -> Path:
    """Find a file of the package, in the source tree or where it was installed.

    Args:
        relative: Path from the top of the package, such as ``config/detector.yaml``.

    Returns:
        The existing path.

    Raises:
        InputError: It is in none of the places; they are named.
    """
    source_tree = Path(__file__).resolve().parents[2]
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    shares = [Path(prefix) / "share" / PACKAGE for prefix in [*prefixes, sys.prefix]]
    places = [place / relative for place in [source_tree, *shares]]
    for place in places:
        if place.exists():
            return place
    looked = ", ".join(str(place) for place in places)
    raise InputError(f"{relative}: is not part of this installation; looked at {looked}.")
