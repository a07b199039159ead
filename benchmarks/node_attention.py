"""What a subscriber of ~/debug/attention gets, and what that does to the landmarks.

Compressed 1280x720 images go to the detector node at 10 Hz; its model has an attention branch
with random weights. Without and with a subscriber, in turns: how many messages arrive, how long
after the image was sent, and how much processor time the node takes for an image.

    python benchmarks/node_attention.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.attention_cost import BRANCH, write_models
from benchmarks.figures import record
from benchmarks.node_depth import (
    NODE,
    RATE_HZ,
    VARIABLE,
    Arrivals,
    Listener,
    median_ms,
    node_of,
)
from benchmarks.node_images import child, end_cleanly_on_sigterm
from dalearn_ros.nodes.domain import own_domain

NAME = "node_attention"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(process: int) -> float:
    """Processor time of a process so far, seconds."""
    told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICKS  # utime and stime, see proc(5)


def measure(
    listener: Listener, domain: int, model: Path, frames: int, rounds: int
) -> list[dict[str, Any]]:
    """The rows of the table: without and with a subscriber, ``rounds`` times each, by turns."""
    clouds: dict[bool, Arrivals] = {False: {}, True: {}}
    maps: dict[bool, Arrivals] = {False: {}, True: {}}
    spent: dict[bool, list[float]] = {False: [], True: []}
    with child(node_of(model), domain) as process:
        for _ in range(rounds):
            for wanted in (False, True):
                heard = listener.connect(wanted)
                before = cpu_s(process.pid)
                listener.send(frames)
                used_ms = (cpu_s(process.pid) - before) * 1e3
                spent[wanted].append(used_ms / max(1, len(listener.clouds)))
                clouds[wanted].update(listener.clouds)
                maps[wanted].update(listener.made)
                if heard is not None:
                    listener.node.destroy_subscription(heard)
                    listener.spin(1.0)
    sent = frames * rounds
    return [row_of(wanted, sent, clouds[wanted], maps[wanted], spent[wanted]) for wanted in clouds]


def row_of(
    wanted: bool, sent: int, clouds: Arrivals, maps: Arrivals, spent_ms: list[float]
) -> dict[str, Any]:
    """One row: how many of the images' landmarks and maps came, and after how long."""
    return {
        "attention is subscribed to": wanted,
        "landmarks": f"{len(clouds)} of {sent}",
        "after, ms": median_ms(clouds),
        "maps": f"{len(maps)} of {sent}" if wanted else "–",
        "after, ms ": median_ms(maps),
        "processor time an image, ms": float(np.median(spent_ms)),
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=50, help="images of each round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row")
    parser.add_argument("--no-record", action="store_true", help="print only")
    args = parser.parse_args()
    end_cleanly_on_sigterm()
    os.environ.pop(VARIABLE, None)
    with tempfile.TemporaryDirectory() as temporary, own_domain() as domain:
        model = write_models(Path(temporary), None)[BRANCH]
        listener = Listener(domain, f"{NODE}/debug/attention")
        try:
            rows = measure(listener, domain, model, args.frames, args.rounds)
        finally:
            listener.close()
    for row in rows:
        print(row)
    if not args.no_record:
        note = (
            f"Images of 1280×720 at {RATE_HZ:g} Hz, compressed; those that the network was too "
            "slow for have no landmarks. Medians from the image's sending to the message's "
            "arrival; processor time of the node's process for an image whose landmarks came."
        )
        command = f"python benchmarks/node_attention.py --frames {args.frames}"
        record(NAME, f"{command} --rounds {args.rounds}", rows, note)


if __name__ == "__main__":
    main()
