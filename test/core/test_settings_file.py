"""A settings file of all defaults: what it says, and that it is read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dalearn_ros.core.settings import field, load_settings
from dalearn_ros.core.settings_file import settings_file


@dataclass(frozen=True)
class _Inner:
    name: str = field("", "A name.", choices=("", "a"))
    sizes: tuple[int, ...] = field((1, 2), "Sizes.", unit="px")


@dataclass(frozen=True)
class _Outer:
    rate: float = field(1e-5, "A rate.")
    limit: int | None = field(None, "A limit.")
    enabled: bool = field(True)
    inner: _Inner = field(_Inner, "More.")


TEXT = """# First.
rate: 1.0e-05  # A rate.
limit: null  # A limit.
enabled: true
inner:  # More.
  name: ""  # A name. One of "", a.
  sizes: [1, 2]  # Sizes. [px]
"""


def test_every_default_with_what_it_means(tmp_path: Path) -> None:
    assert settings_file(_Outer(), ["First."]) == TEXT
    (tmp_path / "s.yaml").write_text(TEXT)
    assert load_settings(_Outer, tmp_path / "s.yaml") == _Outer()
