"""Compares the world with ``benchmarks/world.lock``; ``--write`` makes a new lock.

A new lock means a new version of the world: every figure that used it is run again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import yaml

from dalearn_ros.core.files import atomic_file
from dalearn_ros.world.lock import check_lock, make_lock, read_lock

LOCK = Path(__file__).with_name("world.lock")


def main() -> int:
    """Exit code 0 if the world is as locked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="make a new lock")
    if parser.parse_args().write:
        text = yaml.safe_dump(make_lock(), sort_keys=False, width=100)
        with atomic_file(LOCK) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(f"wrote {LOCK}")
        return 0
    lines = check_lock(read_lock(LOCK))
    print("\n".join(lines) or "the world is as locked")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
