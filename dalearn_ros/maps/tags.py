"""From the tags of a map to classes, by one catalogue or by all that are shipped (D1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dalearn_ros.landmarks.catalogue import Catalogue, LabelSpace

SHIPPED = ("vienna", "korea", "mutcd")  # their sign codes have different prefixes


class TagClasses:
    """Looks map tags up in catalogues.

    Args:
        catalogue: Name or file of one catalogue; None takes all shipped ones, whose sign codes
            begin with the country (``de``, ``kr``, ``us``) and so do not collide.
    """

    def __init__(self, catalogue: Path | str | Catalogue | None = None) -> None:
        if isinstance(catalogue, Catalogue):
            self.catalogues: Sequence[Catalogue] = [catalogue]
        else:
            names = SHIPPED if catalogue is None else (catalogue,)
            self.catalogues = [Catalogue.load(name) for name in names]

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the catalogues map to."""
        return self.catalogues[0].label_space

    def class_of(self, kind: str, code: str) -> int | None:
        """Class id of an element's type and subtype; None if no catalogue knows it.

        A code is looked up as it is, then without its variants (``kr218b`` is ``kr218``,
        ``de274-30`` is ``de274``), then as a group (``arrow_left`` is ``arrow_*``).
        """
        for form in _forms(code):
            for catalogue in self.catalogues:
                found = catalogue.class_of_tag(kind, form)
                if found is not None:
                    return found
        return None


def _forms(code: str) -> Iterator[str]:
    yield code
    yield re.sub(r"(?<=\d)[A-Za-z]+$", "", code)
    for match in reversed(list(re.finditer(r"[-_.]", code))):
        stem = code[: match.start()]
        yield stem
        yield f"{stem}_*"
