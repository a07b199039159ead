"""What images that were recoloured to other conditions are worth to a model that learnt days alone.

All rows begin with the same network and take as many gradient steps. ``no conversion`` goes on
with days; ``jitter`` adds conversions drawn at random from the same store, ``search`` those that
hurt the start, ``online`` those that hurt the model as it learns (50 updates on the way), ``online,
together`` the same with all areas following one target; ``those conditions`` adds rendered images
of the judged conditions, with labels. The store is the shipped one, of other cities and seeds.
Thresholds are by days alone. Finished runs are kept (``benchmarks/results/runs/hard_examples``);
started again, it goes on with what is missing, within a run too; several processes may share
``--out``::

    python benchmarks/ship_data.py --out out/ship/data
    python benchmarks/hard_examples.py --data out/ship/data
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.figures import ROOT
from benchmarks.hard_tables import ROWS, record_tables
from benchmarks.hard_tasks import oracle, sources, start_pair, tests
from benchmarks.kept_runs import KeptRuns, digest_of_start
from benchmarks.scoring import exported, scored
from benchmarks.start_run import start_of, training_part
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.settings import dump_settings, load_settings, merged
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.run import settings_from, train_detector
from dalearn_ros.hard_examples.run import TRIES, Inputs, harden
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.search_summary import summarise, timing
from dalearn_ros.hard_examples.try_log import read_tries
from dalearn_ros.recipe.plan import settings_parts

SEEDS = (1, 2, 3)
BUDGETS = (50, 200, 800)
MIDDLE = 200  # the budget at which areas that follow one target are tried, too
UPDATES = 50  # of the online rows, whatever the budget
RECIPE = ROOT / "benchmarks" / "hard_examples.yaml"
STORE = ROOT / "config" / "conditions.sqlite"
NONE, JITTER, SEARCH, ONLINE, TOGETHER, ORACLE = ROWS
DRAWN = {  # every conversion is kept: no mean confidence reaches 1
    "search": {"explore": False, "threshold": 1.0, "failing_originals": "use"},
}


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        row: What is done.
        outputs: Budget of converted images; 0: there are none.
        seed: Of search, crops and order.
    """

    row: str
    outputs: int
    seed: int

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.row}_{self.outputs}_{self.seed}".replace(",", "").replace(" ", "_")


def jobs(seeds: Sequence[int], budgets: Sequence[int]) -> list[Job]:
    """All runs, a seed after the other."""
    found = []
    for seed in seeds:
        found += [Job(NONE, 0, seed), Job(ORACLE, 0, seed)]
        found += [Job(row, b, seed) for b in budgets for row in (JITTER, SEARCH, ONLINE)]
        found += [Job(TOGETHER, b, seed) for b in budgets if b == MIDDLE]
    return found


def settings_of(job: Job, start: Path, steps: int) -> HardenSettings:
    """Recipe of one run."""
    every = max(1, job.outputs // UPDATES) if job.row in (ONLINE, TOGETHER) else 0
    changes = {
        "loop": {"steps": steps},
        "search": {
            "outputs": max(1, job.outputs),
            "tries": max(200, 20 * job.outputs),
            "together": job.row == TOGETHER,
        },
        "update": {"every": every},
    }
    base = merged(dump_settings(settings_from(HardenSettings, start, RECIPE)), changes)
    return load_settings(HardenSettings, None, merged(base, DRAWN if job.row == JITTER else {}))


def run_job(job: Job, args: argparse.Namespace, start: Path) -> dict[str, Any]:
    """One run: learn, export, judge."""
    place, pair = args.out / "runs" / job.name, start_pair(args.data)
    data = sources(args.data, args.out, args.drives)
    settings = settings_of(job, start, args.steps)
    about: dict[str, Any] = {}
    if job.row in (NONE, ORACLE):
        plain = training_part(settings)
        more = oracle(args.data) if job.row == ORACLE else []
        result, _ = train_detector([data, *more], pair.val, place, plain, job.seed, start)
        about = {"minutes": result.minutes, "outputs_found": 0}
    else:
        outcome = harden(Inputs(start, [data], STORE, pair.val), place, settings, job.seed)
        entries = read_tries(place / TRIES)
        about = {
            "minutes": outcome.minutes,
            "outputs_found": len(outcome.hunt.found),
            "timing": timing(entries, outcome.minutes),
            "tries": summarise(entries, data.label_space),
        }
    return {**about, "judged": judge(place, tests(args.data, args.test_drives))}


def judge(run: Path, judged: Mapping[str, Sequence[Dataset]]) -> dict[str, Any]:
    """F1 at 8 px of a run's network under each condition, on whole images."""
    detector, keys = exported(run), ("f1", "precision", "recall", "support")
    found = {condition: scored(detector, drives).figures for condition, drives in judged.items()}
    return {condition: {key: one[key] for key in keys} for condition, one in found.items()}


def start_run(args: argparse.Namespace) -> Path:
    """The run that all rows begin with."""
    return Path(args.start or start_of(start_pair(args.data), args.starts))


def about_of(job: Job, args: argparse.Namespace) -> dict[str, Any]:
    """What names a run in the tables."""
    return {"row": job.row, "outputs": job.outputs, "seed": job.seed, "steps": args.steps}


def recipe_of(job: Job, args: argparse.Namespace, start: Path) -> list[Any]:
    """All that a run's result depends on."""
    settings = settings_parts(settings_of(job, start, args.steps))
    drives = args.drives, args.test_drives
    return [about_of(job, args), *drives, settings, digest_of_start(start), sha256_of(STORE)]


def one_run(job: Job, args: argparse.Namespace, runs: KeptRuns) -> None:
    """Do one run, unless its result is there or another process is at it."""
    start, about = start_run(args), about_of(job, args)
    found = runs.once(
        job.name, recipe_of(job, args, start), lambda: {**about, **run_job(job, args, start)}
    )
    if found is not None:
        f1 = {condition: round(entry["f1"], 3) for condition, entry in found["judged"].items()}
        print(job.name, f"{found['minutes']:.1f} min", f1, flush=True)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "out" / "ship" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "hard_examples")
    parser.add_argument(
        "--starts", type=Path, default=ROOT / "out" / "adaptation", help="of adaptation.py"
    )
    parser.add_argument("--start", type=Path, help="run that learnt days alone, in their place")
    parser.add_argument("--rows", nargs="+", choices=ROWS)
    parser.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--steps", type=int, default=400, help="gradient steps of every run")
    parser.add_argument("--drives", type=int, default=15, help="days to convert")
    parser.add_argument("--test-drives", type=int, default=3, help="of each condition")
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    runs = KeptRuns.of("hard_examples", args.out, args.no_record)
    for job in jobs(args.seeds, args.budgets):
        if not args.rows or job.row in args.rows:
            one_run(job, args, runs)
    if not args.no_record:
        start = start_run(args)
        every = {job.name: recipe_of(job, args, start) for job in jobs(SEEDS, BUDGETS)}
        record_tables(runs.entries(every))


if __name__ == "__main__":
    main()
