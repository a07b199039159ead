"""Attributes of OpenDRIVE elements as numbers and words, with a sentence for what is wrong."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element as Xml

LIMIT = 1e8  # a number beyond this is a mistake
SAYS_NOTHING = ("", "-1", "none")


def number(element: Xml, name: str, default: float | None = None) -> float:
    """A finite attribute, in the unit of the standard (metres, radians, 1/m).

    Args:
        element: The element.
        name: The attribute.
        default: Where it is absent; None if it must be there.

    Raises:
        ValueError: It is absent and has no default, or is no finite number below 1e8.
    """
    text = element.get(name)
    if text is None or (not text.strip() and default is not None):
        if default is None:
            raise ValueError(f"it has no {name}")
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) < LIMIT:
        raise ValueError(f"its {name} is '{text[:40]}', which is not a sensible number")
    return value


def size(element: Xml, name: str) -> float:
    """A length in metres, 0 where the attribute is absent.

    Raises:
        ValueError: It is negative or no number.
    """
    value = number(element, name, 0.0)
    if value < 0.0:
        raise ValueError(f"its {name} is {value} m")
    return value


def word(element: Xml, name: str) -> str:
    """An attribute without blanks around it; empty if it is absent or says nothing (-1, none)."""
    text = element.get(name, "").strip()
    return "" if text.lower() in SAYS_NOTHING else text


def cubic(element: Xml, names: str = "a b c d") -> tuple[float, float, float, float]:
    """Coefficients of a + b x + c x² + d x³; absent ones are 0."""
    a, b, c, d = (number(element, name, 0.0) for name in names.split())
    return a, b, c, d
