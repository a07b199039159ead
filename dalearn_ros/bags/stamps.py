"""Stamps of serialised messages, without reading all of them."""

from __future__ import annotations

WITHOUT_HEADER = ("tf2_msgs/msg/TFMessage",)


def header_stamp(cdr: bytes, kind: str, otherwise: int) -> int:
    """Stamp of a serialised message that begins with a std_msgs/Header, integer nanoseconds.

    Args:
        cdr: Encapsulated CDR; its second byte says the byte order, the body begins at byte 4.
        kind: Its type.
        otherwise: For types without a header.
    """
    if kind in WITHOUT_HEADER or len(cdr) < 12:
        return otherwise
    order = "little" if cdr[1] & 1 else "big"
    seconds = int.from_bytes(cdr[4:8], order, signed=True)  # type: ignore[arg-type]
    return seconds * 1_000_000_000 + int.from_bytes(cdr[8:12], order)  # type: ignore[arg-type]
