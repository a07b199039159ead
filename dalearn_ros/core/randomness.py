"""One seed, many independent streams."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A random generator for one purpose.

    Streams with different names are independent of each other, so that a new consumer of
    randomness does not change what the others draw.

    Args:
        seed: The seed that the user gave, any integer.
        names: What the stream is for, for example ``"city", "north"``.

    Returns:
        A generator; the same arguments always give the same stream.
    """
    text = "/".join([str(int(seed)), *map(str, names)])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32))
