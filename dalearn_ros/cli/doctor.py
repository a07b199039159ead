"""``dalearn doctor``: what works here, what does not, and the command that mends it."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import shlex
from pathlib import Path
from typing import Any

from dalearn_ros.cli.options import add_frames, add_time_offset, time_offset_ns
from dalearn_ros.core.checks import FAIL, NOTE, OK, Check, attempt, lines_of

NAME = "doctor"
HELP = "what works here and in a bag and map, what does not, and the command that mends it"
EXAMPLE = "dalearn doctor --bag drive/bag --map drive/map --out first_look.jpg"
PICTURE = "first_look.jpg"
POSE = "/localization/kinematic_state"
RECORD = f"ros2 bag record /camera/image_raw/compressed /camera/camera_info /tf_static {POSE}"
SHOWN = 5  # problems of a map


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bag", type=Path, help="also look into this bag")
    parser.add_argument("--map", type=Path, help="also look into this map")
    parser.add_argument("--pose-topic", help="vehicle poses; default: as `dalearn label` chooses")
    parser.add_argument("--camera-topic", help="images of the first picture; default: the first")
    add_frames(parser)
    add_time_offset(parser)
    parser.add_argument(
        "--out", type=Path, help=f"the first picture with labels; default: {PICTURE} beside the bag"
    )


def run(args: argparse.Namespace) -> str:
    """Look at everything; the closing line says what to do next.

    Raises:
        InputError: Something essential fails; every failure has been printed with what mends it.
    """
    from dalearn_ros.core.errors import InputError

    failed = 0
    command = ""
    offset_ns = time_offset_ns(args)
    if args.bag is None and args.map is None:
        failed += _print("environment", _environment())
    if args.map is not None:
        landmarks: list[Any] = []
        failed += _print(f"map {args.map}", attempt("map", lambda: _map(args.map, landmarks)))
    if args.bag is not None:
        session: list[str] = []
        known = landmarks[0] if args.map is not None and landmarks else None
        checks = _bag(args, offset_ns, known, session)
        failed += _print(f"bag {args.bag}", checks)
        command = session[0] if session else ""
    if failed:
        raise InputError(f"{failed} check(s) marked FAIL; the lines with -> say what to do.")
    if command:
        return f"Nothing is in the way. Next:\n{command}"
    hint = "" if args.bag and args.map else " Look into a drive with --bag and --map."
    return f"Nothing is in the way.{hint}"


def _print(title: str, checks: list[Check]) -> int:
    """Print findings; returns how many failed."""
    print(title)
    for line in lines_of(checks):
        print(f"  {line}")
    return sum(check.state == FAIL for check in checks)


def _environment() -> list[Check]:
    def look() -> list[Check]:
        from dalearn_ros.inference.environment import environment_checks

        return environment_checks()

    def network() -> list[Check]:
        from dalearn_ros.nodes.process import network_fault

        fault = network_fault()
        return [Check("network", NOTE if fault else OK, fault or "nodes can find each other")]

    return [*attempt("environment", look, "make setup-demo"), *attempt("network", network)]


def _map(path: Path, found: list[Any]) -> list[Check]:
    from dalearn_ros.maps.load import load_map

    landmarks = load_map(path)
    found.append(landmarks)
    report = landmarks.report
    checks = [Check("landmarks", OK, f"{len(landmarks)} with a class in {report.source}")]
    if report.unknown:
        tags = ", ".join(f"{tag} ({count})" for tag, count in sorted(report.unknown.items())[:8])
        mend = "give them a class in a catalogue of your own, see docs/maps.md"
        checks.append(Check("unknown tags", NOTE, tags, mend))
    if report.problems:
        text = "\n".join([f"{len(report.problems)}, such as:", *report.problems[:SHOWN]])
        checks.append(Check("problems", NOTE, text, f"dalearn map info {shlex.quote(str(path))}"))
    return [*checks, *(Check("assumed", NOTE, note) for note in report.notes)]


def _bag(
    args: argparse.Namespace, offset_ns: int, landmarks: Any, command: list[str]
) -> list[Check]:
    checks: list[Check] = []

    def look() -> list[Check]:
        from dalearn_ros.bags.reader import BagReader

        opened = BagReader(
            args.bag,
            base_frame=args.base_frame,
            map_frame=args.map_frame,
            time_offset_ns=offset_ns,
        )
        with opened as reader:
            checks.extend(_drive(args, reader, landmarks, command))
        return []

    failed = attempt("bag", look, "give the folder with metadata.yaml, or its .mcap file")
    return [*checks, *failed]


def _drive(
    args: argparse.Namespace, reader: Any, landmarks: Any, command: list[str]
) -> list[Check]:
    from dalearn_ros.bags import inspect
    from dalearn_ros.bags.topics import camera_topics
    from dalearn_ros.labels.first_look import overlap_checks

    checks = attempt("bag", lambda: inspect.topics_check(reader))
    topics: list[str] = []

    def cameras() -> list[Check]:
        named = args.camera_topic
        topics.extend([reader.camera_topic(named)] if named else camera_topics(reader.bag))
        return [] if topics else [Check("images", FAIL, "the bag has no camera images", RECORD)]

    checks += attempt("images", cameras)
    usable, found = _cameras(reader, topics)
    checks += found
    poses: list[Any] = []
    mend = f"record {POSE} (nav_msgs/Odometry in the map frame), or name another with --pose-topic"
    checks += attempt(
        "pose topic", lambda: inspect.pose_checks(reader, args.pose_topic, poses), mend
    )
    if not poses:
        return checks
    pose_topic, trajectory = poses[0]
    if usable:
        clock = attempt("clock", lambda: inspect.clock_check(reader, usable[0], trajectory))
        usable = [] if any(check.state == FAIL for check in clock) else usable
        checks += clock
    if landmarks is None:
        return checks
    overlaps = attempt("overlap", lambda: overlap_checks(landmarks, trajectory))
    checks += overlaps
    if usable and not any(check.state == FAIL for check in overlaps):
        picture = args.out or args.bag.absolute().parent / PICTURE
        drive = reader, landmarks, usable[0], pose_topic, trajectory
        checks += attempt("first picture", lambda: _picture(picture, *drive))
        command.append(_label_command(args, topics, usable[0], pose_topic))
    return checks


def _cameras(reader: Any, topics: list[str]) -> tuple[list[str], list[Check]]:
    """The cameras that can be labelled, and what was found; one that can is enough."""
    from dalearn_ros.bags import inspect

    transforms = inspect.transforms_of(reader)
    usable: list[str] = []
    checks: list[Check] = []
    for topic in topics:
        look = functools.partial(inspect.camera_checks, reader, topic, transforms)
        found = attempt(f"images {topic}", look)
        checks += found
        if not any(check.state == FAIL for check in found):
            usable.append(topic)
    if usable:
        checks = [
            dataclasses.replace(check, state=NOTE) if check.state == FAIL else check
            for check in checks
        ]
    return usable, checks


def _picture(
    path: Path, reader: Any, landmarks: Any, camera: str, pose_topic: str, poses: Any
) -> list[Check]:
    import cv2

    from dalearn_ros.core.files import atomic_file
    from dalearn_ros.labels.first_look import FRAMES, first_look

    found = first_look(reader, landmarks, camera, pose_topic, poses)
    if found is None:
        skipped = ", ".join(f"{count} {why}" for why, count in sorted(reader.skipped.items()))
        text = f"no landmark is in view in the first {FRAMES} frames"
        text += f" (without image or pose: {skipped})" if skipped else ""
        mend = "do the camera's mounting and the heading of the poses fit?"
        return [Check("first picture", NOTE, text, mend)]
    suffix = path.suffix if path.suffix.lower() in (".png", ".jpg", ".jpeg") else ""
    target = path if suffix else path / PICTURE
    _, encoded = cv2.imencode(suffix or ".jpg", found.picture)
    with atomic_file(target) as temporary:
        temporary.write_bytes(encoded.tobytes())
    text = f"{target}: {found.labels} labels on frame {found.frame}; do they lie on the landmarks?"
    return [Check("first picture", OK, text)]


def _label_command(
    args: argparse.Namespace, topics: list[str], camera: str, pose_topic: str
) -> str:
    words = ["dalearn", "label", "--bag", str(args.bag), "--map", str(args.map)]
    words += ["--pose-topic", pose_topic] if args.pose_topic else []
    words += ["--camera-topic", camera] if len(topics) > 1 or args.camera_topic else []
    words += ["--time-offset-s", str(args.time_offset_s)] if args.time_offset_s else []
    words += ["--map-frame", args.map_frame] if args.map_frame != "map" else []
    words += ["--base-frame", args.base_frame] if args.base_frame != "base_link" else []
    return shlex.join([*words, "--out", "dataset"])
