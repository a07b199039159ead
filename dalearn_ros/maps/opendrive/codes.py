"""What OpenDRIVE calls a landmark, and the class that the catalogues have for it (D1)."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element as Xml

from dalearn_ros.maps.opendrive.attributes import word
from dalearn_ros.maps.tags import TagClasses

STANDARD = "OPENDRIVE"  # numbers of the standard itself; its signs are those of the German StVO
COUNTRIES = {
    "DEU": "DE",
    "GERMANY": "DE",
    "USA": "US",
    "KOR": "KR",
    "SWE": "SE",
    "CHN": "CN",
    "": STANDARD,
}


def signal_code(signal: Xml, country: str = "") -> tuple[str, str]:
    """Country (ISO 3166, two letters, or OPENDRIVE) and ``type`` or ``type-subtype``.

    A signal whose type says nothing may be named as its picture is: ``de_274-50`` (esmini).

    Args:
        signal: ``<signal>`` or ``<sign>``.
        country: That of the board on which it hangs.
    """
    country = (word(signal, "country") or word(signal, "Country") or country).upper()
    country = COUNTRIES.get(country, country)
    kind, variant = word(signal, "type"), word(signal, "subtype")
    if re.fullmatch(r"\d\.\d{3}\.\d{3}", kind):
        kind = kind.replace(".", "")
    if kind:
        return country, f"{kind}-{variant}" if variant else kind
    named = re.fullmatch(r"([A-Za-z]{2})_(\w[\w.-]*)", signal.get("name", ""))
    return (named[1].upper(), named[2]) if named else (country, "")


def class_of_signal(classes: TagClasses, country: str, code: str) -> int | None:
    """Class id: the signal's own entry, that of its number anywhere, or its country's sign."""
    sign = ("DE" if country == STANDARD else country).lower() + code
    for kind, name in (
        ("signal", f"{country}:{code}"),
        ("signal", f"DE:{code}" if country == STANDARD else ""),
        ("signal", code),
        ("traffic_sign", sign),
    ):
        found = classes.class_of(kind, name) if name and code else None
        if found is not None:
            return found
    return None


def object_code(element: Xml) -> str:
    """``type-subtype``, ``type``, or the name where the type says nothing (or only roadMark)."""
    kind, variant, name = word(element, "type"), word(element, "subtype"), word(element, "name")
    if not kind or (kind == "roadMark" and not variant and name):
        return name
    return f"{kind}-{variant}" if variant else kind


def label(element: Xml) -> str:
    """How the file itself calls an element: its type, or its name where the type says nothing."""
    return word(element, "type") or word(element, "name") or element.tag


def named(element: Xml) -> str:
    """How sentences call an element: its tag and id."""
    return f"{element.tag} {element.get('id') or '(without an id)'}"
