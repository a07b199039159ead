"""A copy of a bag in which something is wrong."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from dalearn_ros.bags.storage import Bag, RawMessage
from dalearn_ros.bags.writer import BagWriter


def change_bag(
    source: Path, out: Path, change: Callable[[RawMessage], Iterable[RawMessage]]
) -> Path:
    """Write a bag with what ``change`` makes of each message: nothing, one or several."""
    with Bag(source) as bag, BagWriter(out) as writer:
        for message in bag.raw():
            for one in change(message):
                writer.write_raw(one.topic, one.kind, one.log_ns, one.cdr)
    return out


def without(*topics: str) -> Callable[[RawMessage], Iterable[RawMessage]]:
    """Leave topics out."""
    return lambda message: [] if message.topic in topics else [message]


def stamped(message: RawMessage, stamp_ns: int) -> RawMessage:
    """The message with another stamp in its header, which it must begin with."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    stamp = struct.pack("<iI", seconds, nanoseconds)
    return message._replace(cdr=bytes(message.cdr[:4]) + stamp + bytes(message.cdr[12:]))
