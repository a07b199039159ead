"""A settings dataclass as a YAML file that people read: every default with what it means."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import yaml


def settings_file(settings: Any, head: Sequence[str]) -> str:
    """The text of the file.

    Args:
        settings: An instance of a settings dataclass, see :func:`core.settings.field`.
        head: Lines for the comment at the top.
    """
    lines = [f"# {line}" for line in head] + _lines(settings, "")
    return "\n".join(lines) + "\n"


def _lines(settings: Any, indent: str) -> list[str]:
    lines = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        said = field.metadata
        comment = said.get("help", "")
        if said.get("unit"):
            comment += f" [{said['unit']}]"
        if said.get("choices"):
            comment += f" One of {', '.join(map(_text, said['choices']))}."
        nested = dataclasses.is_dataclass(value)
        text = "" if nested else f" {_text(value)}"
        lines.append(f"{indent}{field.name}:{text}" + (f"  # {comment}" if comment else ""))
        if nested:
            lines += _lines(value, indent + "  ")
    return lines


def _text(value: Any) -> str:
    """A value as YAML on one line."""
    if value == "":
        return '""'
    plain = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
