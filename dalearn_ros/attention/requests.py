"""What the page sends, checked: all that is not as it should be ends as :class:`Refused`."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.requests import Request

from dalearn_ros.attention.seen import Seen
from dalearn_ros.core.files import printable

Array = npt.NDArray[np.float32]
TEXT = 500  # characters of a name or note


class Refused(Exception):
    """A request that is not answered: status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body, refused as soon as it is longer than a limit."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > limit:
            raise Refused(413, f"The request is longer than {limit} bytes.")
    return bytes(found)


def read_map(sent: bytes, seen: Seen) -> Array:
    """The map that was sent, (h, w) float32, checked."""
    shape = seen.view.attention.shape
    wanted = 4 * shape[0] * shape[1]
    if len(sent) != wanted:
        expected = f"{shape[0]} x {shape[1]} cells of float32, {wanted} bytes"
        raise Refused(400, f"The map: expected {expected}, found {len(sent)} bytes.")
    cells: Array = np.frombuffer(sent, np.dtype("<f4")).reshape(shape).astype(np.float32)
    if not (np.isfinite(cells).all() and cells.min() >= 0.0 and cells.max() <= 1.0):
        raise Refused(400, "The map: expected values of 0 to 1, found others.")
    return cells


def read_json(sent: bytes) -> dict[str, Any]:
    """A JSON object."""
    try:
        found = json.loads(sent)
    except (ValueError, RecursionError):
        raise Refused(400, "Expected JSON.") from None
    if not isinstance(found, dict):
        raise Refused(400, "Expected a JSON object.")
    return found


def read_base64(text: Any) -> bytes:
    """The bytes that a text in base64 stands for."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused(400, "'map': expected base64.") from None


def read_text(sent: dict[str, Any], key: str) -> str:
    """A text of bounded length; empty if it is missing."""
    found = sent.get(key, "")
    if not isinstance(found, str) or len(found) > TEXT or printable(found) != found:
        raise Refused(400, f"'{key}': expected a text of at most {TEXT} characters.")
    return found
