"""Which topics of a bag are played, and which one in lockstep."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from dalearn_ros.bags.result_bag import OURS
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.errors import InputError

OF_THE_SYSTEM = ("/diagnostics", "/clock", "/rosout")
OF_THE_NODES = tuple(sorted({f"{topic.rpartition('/')[0]}/" for topic in OURS}))


def is_result(topic: str, result: str) -> bool:
    """Whether a topic has what a running system makes: recorded results would be taken for its own.

    Args:
        topic: Of the bag.
        result: That on which the player waits for results.
    """
    return topic in (*OF_THE_SYSTEM, result) or topic.startswith(OF_THE_NODES)


def topics_to_play(bag: Bag, options: argparse.Namespace) -> tuple[dict[str, str], dict[str, str]]:
    """The topics to play, and recorded results, which are left out unless ``--topics`` has them.

    Args:
        bag: Open bag; a topic without messages is passed over.
        options: The command line's.

    Returns:
        Topic → type, and topic → why it is left out, a phrase.
    """
    there = {topic: kind for topic, kind in bag.topics.items() if bag.counts[topic]}
    if options.topics:
        return {topic: kind for topic, kind in there.items() if topic in options.topics}, {}
    left_out = {
        topic: f"{topic}: recorded results, sent only if --topics has it"
        for topic in there
        if is_result(topic, options.result)
    }
    return {topic: kind for topic, kind in there.items() if topic not in left_out}, left_out


def lockstep_topic(bag: Path, images: Sequence[str], named: str = "") -> str:
    """The images whose results are waited for.

    Args:
        bag: For the sentence.
        images: Image topics that are played.
        named: The wanted one; empty: the only one that is not depth.

    Raises:
        InputError: It is not played, or there is not just one.
    """
    if named:
        if named not in images:
            found = ", ".join(images) or "none"
            raise InputError.at(bag, "", f"images on {named} for --lockstep-topic", found)
        return named
    wanted = [topic for topic in images if "depth" not in topic]
    if len(wanted) != 1:
        hint = "Choose with --lockstep-topic." if wanted else ""
        found = ", ".join(wanted) or "none"
        raise InputError.at(bag, "", "one image topic for --lockstep", found, hint)
    return wanted[0]
