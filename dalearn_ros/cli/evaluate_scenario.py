"""``dalearn evaluate --scenario FILE``: do bags and datasets keep their limits?"""

from __future__ import annotations

import argparse


def run_scenario(args: argparse.Namespace) -> str:
    """Evaluate every scenario; prints a line each.

    Raises:
        DalearnError: The file is not one, or not everything passed.
    """
    from dalearn_ros.core.errors import DalearnError
    from dalearn_ros.core.files import atomic_file, write_json
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.evaluation.collector import check_out
    from dalearn_ros.evaluation.detection import MATCH_PX
    from dalearn_ros.evaluation.junit import junit_xml
    from dalearn_ros.evaluation.scenario import load_scenarios
    from dalearn_ros.evaluation.verdict import (
        JUNIT,
        PASSED,
        VERDICT,
        remove_earlier,
        run_scenarios,
        verdict,
    )
    from dalearn_ros.inference.detector import LandmarkDetector
    from dalearn_ros.localization.settings import LocalizerSettings

    for name in ("map", "truth_topic", "prior_topic", "odometry_topic", "camera_topic", "zoom"):
        if getattr(args, name):
            option = name.replace("_", "-")
            args.wrong_usage(f"--{option} stands in the scenario file, or not at all")
    frames = (args.map_frame, args.base_frame) != ("map", "base_link")
    if args.match_px != MATCH_PX or args.time_offset_s or frames:
        names = "--match-px, --time-offset-s, --map-frame and --base-frame"
        args.wrong_usage(f"{names} stand in the scenario file")
    check_out(args.out)
    remove_earlier(args.out)
    settings = load_settings(LocalizerSettings, args.config)
    detector = LandmarkDetector.load(args.model, args.threads)
    scenarios = load_scenarios(args.scenario, detector.label_space)
    remove_earlier(args.out, scenarios)
    results = run_scenarios(scenarios, detector, args.out, settings, args.model)
    with atomic_file(args.out / JUNIT) as part:
        part.write_text(junit_xml(results), encoding="utf-8")
    found = verdict(results)
    write_json(args.out / VERDICT, found)
    states = [one.state for result in results for one in result.limits]
    text = (
        f"{args.out}: verdict.json, junit.xml; {states.count(PASSED)} of {len(states)} limits kept"
    )
    if found["state"] != PASSED:
        bad = [result.name for result in results if result.state != PASSED]
        raise DalearnError(f"{text}; not passed: {', '.join(bad)}.")
    return f"{text} in {len(results)} scenarios."
