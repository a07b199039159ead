"""The drive past red signs of the tests of evaluation, for tests of other rooms."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any


def write_drive(folder: Path, frames: int) -> Any:
    """A bag, its map and a model that reads it; see ``test/evaluation/conftest.py``."""
    file = Path(__file__).parents[1] / "evaluation" / "conftest.py"
    spec = importlib.util.spec_from_file_location("evaluation_fixtures", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.write_drive(folder, frames)
