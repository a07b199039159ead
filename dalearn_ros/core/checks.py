"""What a look at something found: fine, worth knowing, or in the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dalearn_ros.core.errors import DalearnError

OK, NOTE, FAIL = "ok", "note", "FAIL"


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at.
        state: ``ok``; ``note``: works, or is not needed for the main job; ``FAIL``: in the way.
        found: A sentence.
        mend: What to do about it, a command where there is one; empty if there is nothing to do.
    """

    name: str
    state: str
    found: str
    mend: str = ""


def attempt(name: str, look: Callable[[], Sequence[Check]], mend: str = "") -> list[Check]:
    """The findings of a look; whatever it raises becomes a failed one.

    Args:
        name: Name of the finding if it raises.
        look: Does the checks.
        mend: What to do if it raises.
    """
    try:
        return list(look())
    except DalearnError as error:
        return [Check(name, FAIL, str(error), mend)]
    except Exception as error:  # a bad bag may break anything; the other checks go on
        return [Check(name, FAIL, f"{type(error).__name__}: {error}", mend)]


def lines_of(checks: Sequence[Check]) -> list[str]:
    """Findings as aligned text, what mends them indented below."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        first, *more = check.found.splitlines() or [""]
        lines.append(f"{check.state:<4}  {check.name:<{width}}  {first}")
        lines += [f"{'':<{width + 8}}{line}" for line in more]
        if check.mend and check.state != OK:
            lines.append(f"{'':<{width + 8}}-> {check.mend}")
    return lines
