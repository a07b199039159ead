"""``dalearn VERB``: finds the verb, runs it, and turns errors into sentences.

A verb is a file in this folder with ``NAME``, ``HELP``, ``EXAMPLE``, ``add_arguments(parser)`` and
``run(args) -> str``, the closing line. Its module is imported only when it is used, so that a verb
without learning needs no torch and a verb without ROS needs no ROS.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import signal
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from dalearn_ros import __version__
from dalearn_ros.core.errors import DalearnError, did_you_mean

FOLDER = Path(__file__).parent
DONE, FAILED, WRONG_USAGE = 0, 1, 2
# Module → what installs it, for the sentence about a missing optional dependency.
INSTALL = {
    "torch": "train",
    "torchvision": "train",
    "safetensors": "train",
    "tensorboard": "train",
    "onnx": "export",
    "onnxscript": "train",
    "starlette": "train,edit",
    "uvicorn": "train,edit",
    "panda3d": "world",
    "direct": "world",
    "rclpy": "ros",
    "vision_msgs": "ros",
    "tf2_msgs": "ros",
    "cv2": "ros",
    "tensorrt": "tensorrt",
    "pyarrow": "fleet",
    "ray": "fleet",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after ``dalearn``; None takes those of the process.

    Returns:
        0 done, 1 failed (a sentence went to standard error), 2 wrong usage.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _dispatch(words)
    except DalearnError as error:
        return _fail(str(error), debug)
    except ModuleNotFoundError as error:
        sentence = missing_module(error.name or "")
        if not sentence:
            raise
        return _fail(sentence, debug)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing half-written is left behind.", debug)
    except BrokenPipeError:  # the reader of our output, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        return _fail(f"{type(error).__name__}: {error}. --debug shows where.", debug)


def verbs() -> dict[str, tuple[Path, str]]:
    """Verb → its file and its one-line help, read from the sources without importing them."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        constants = _constants(path)
        if {"NAME", "HELP"} <= constants.keys():
            found[constants["NAME"]] = path, constants["HELP"]
    return found


def missing_module(name: str) -> str:
    """The sentence for an optional dependency that is not installed; empty if it is not one."""
    top = name.partition(".")[0]
    if top not in INSTALL:
        return ""
    extra = INSTALL[top]
    line = f"pip install -e '.[{extra}]' -c constraints.txt"
    if extra == "ros":
        line = "make setup-demo, or source a ROS 2 installation"
    return f"This needs '{top}', which is not installed here. Install it with: {line}"


def _dispatch(words: list[str]) -> int:
    known = verbs()
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview(known))
        return DONE if words else WRONG_USAGE
    if words[0] == "--version":
        print(f"dalearn {__version__}")
        return DONE
    verb = words[0]
    if verb not in known:
        hint = did_you_mean(verb, known) or f"Verbs: {', '.join(known)}."
        print(f"dalearn: there is no verb '{verb}'. {hint}", file=sys.stderr)
        return WRONG_USAGE
    module = importlib.import_module(f"dalearn_ros.cli.{known[verb][0].stem}")
    parser = _parser(module)
    try:
        arguments = parser.parse_args(words[1:])
    except SystemExit as exit_:  # argparse has printed its help or the mistake
        return int(exit_.code or 0)
    closing: str = module.run(arguments)
    print(closing)
    return DONE


def _parser(module: types.ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"dalearn {module.NAME}",
        description=module.HELP,
        epilog=f"example:\n  {module.EXAMPLE}\n\n--debug shows where an error comes from",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser


def _overview(known: dict[str, tuple[Path, str]]) -> str:
    width = max(map(len, known), default=0)
    lines = [f"  {verb:<{width}}  {help_}" for verb, (_, help_) in known.items()]
    return "\n".join(
        [
            "usage: dalearn VERB [options]",
            "",
            "Landmark perception from camera and HD map.",
            "",
            *lines,
            "",
            "'dalearn VERB --help' shows a verb's options and an example.",
        ]
    )


def _constants(path: Path) -> dict[str, str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                continue
            if isinstance(value, str):
                constants[node.targets[0].id] = value
    return constants


def _fail(sentence: str, debug: bool) -> int:
    if debug:
        raise
    print(f"dalearn: {sentence}", file=sys.stderr)
    return FAILED


def _terminated(signum: int, frame: types.FrameType | None) -> None:
    """As Ctrl-C, which the training loop heeds between two steps."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # Ctrl-C is ignored in the background of some shells
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


if __name__ == "__main__":
    sys.exit(main())
