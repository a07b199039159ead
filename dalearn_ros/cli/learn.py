"""``dalearn learn``: the whole recipe, from bags and maps to an evaluated model."""

from __future__ import annotations

import argparse
from pathlib import Path

from dalearn_ros.recipe.settings import STAGES

NAME = "learn"
HELP = "the whole recipe: bags and maps become labels, a trained model and its evaluation"
EXAMPLE = "dalearn learn --config learn.yaml --out learnt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help="bags, maps and stages (YAML); config/learn.yaml shows them all",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder of the recipe; what is finished in it is kept, what was interrupted goes on",
    )
    parser.add_argument(
        "--from",
        dest="first",
        choices=STAGES,
        default=STAGES[0],
        help="take the stages before this one as they were left, whatever has changed since",
    )
    parser.add_argument(
        "--until", dest="last", choices=STAGES, default=STAGES[-1], help="end after this stage"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only say what would run, and why; nothing is written",
    )


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written and the main figures."""
    from dalearn_ros.core.errors import DalearnError
    from dalearn_ros.recipe.order import steps_of
    from dalearn_ros.recipe.plan import told, unused
    from dalearn_ros.recipe.report import REPORT
    from dalearn_ros.recipe.run import learn
    from dalearn_ros.recipe.stage_settings import load_recipe

    settings = load_recipe(args.config)
    if args.dry_run:
        steps = steps_of(settings, args.out, args.first, args.last)
        former = unused(args.out, steps)
        more = f"Of former settings, not used now: {', '.join(former)}." if former else ""
        return "\n".join([*told(steps), *([more] if more else [])])
    try:
        summary = learn(settings, args.out, args.first, args.last)
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None
    ran, cached = summary.count("run"), summary.count("cached")
    return (
        f"{args.out}: {ran} steps ran, {cached} were cached. {summary.verdict()} "
        f"Report in {args.out / REPORT}."
    )
