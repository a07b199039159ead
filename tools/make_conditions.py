"""Makes the colour store that is shipped, ``config/conditions.sqlite``.

    python tools/make_conditions.py --out config/conditions.sqlite

Drives through the embedded world under every condition, with depth, so that index images are
exact. Cities and seeds are of their own: no test, benchmark or shipped model uses seeds 40000 to
40999, and none of these drives goes through a city of the kind ``north``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dalearn_ros.hard_examples.collect import Kept, collect
from dalearn_ros.hard_examples.pictures import of_bag
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.world.drive import TOPICS, write_drive
from dalearn_ros.world.style import CONDITIONS

CITIES = ("south", "east")
FIRST_SEED = 40000
KEPT = Kept(index_px=128, thumbnail_px=96)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the new store")
    parser.add_argument("--drives", type=int, default=2, help="of each city and condition")
    parser.add_argument("--frames", type=int, default=2, help="of each drive")
    parser.add_argument("--every", type=int, default=40, help="images of 10 Hz between two of them")
    parser.add_argument("--conditions", nargs="+", default=CONDITIONS)
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    with ParameterStore.create(args.out) as store:
        for number in range(args.drives):
            for c, city in enumerate(CITIES):
                for k, name in enumerate(args.conditions):
                    seed = FIRST_SEED + 100 * number + 10 * k + c
                    before = time.process_time()
                    with tempfile.TemporaryDirectory() as folder:
                        drive = Path(folder) / f"{city}_{seed}"
                        write_drive(drive, city, name, args.frames, seed, True, args.every)
                        bag, map_path = drive / "bag", drive / "exact_map"
                        pictures = of_bag(bag, map_path, None, counts, TOPICS["truth"])
                        source = f"world {city} {name} {seed}"
                        counts += collect(
                            store, pictures, store.table.condition(name), source, KEPT
                        )
                    took = time.process_time() - before
                    print(f"{source}: {counts['targets']} images, {took:.1f} s", flush=True)
        store.db.execute("VACUUM")
    print(f"{args.out}: {counts['targets']} images, {args.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
