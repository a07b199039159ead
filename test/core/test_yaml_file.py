"""YAML files: what is read, and the sentence for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dalearn_ros.core.errors import InputError, MapError
from dalearn_ros.core.yaml_file import read_yaml


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "a.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_keys_and_values_or_nothing(tmp_path: Path) -> None:
    text = "a: {b: 1}\n1: x\n'1': y\nbase: &base {c: 2}\nmore:\n  <<: *base\n  d: 3\n"
    wanted = {"a": {"b": 1}, 1: "x", "1": "y", "base": {"c": 2}, "more": {"c": 2, "d": 3}}
    assert read_yaml(write(tmp_path, text)) == wanted
    assert read_yaml(write(tmp_path, "# nothing yet\n")) == {}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a: 1\nb: [", r"a\.yaml, line 2: expected YAML, found expected the node content"),
        ("a: {b: 1, b: 2}", r"a\.yaml, line 1: expected YAML, found the key 'b' twice\."),
        ("a: \x00", r"a\.yaml: expected YAML, found a syntax error\."),
        ("- 1", r"a\.yaml: expected sizes, found list\."),
        (b"a: \xff", r"a\.yaml: cannot be read \('utf-8' codec can't decode byte"),
    ],
)
def test_a_sentence_for(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(MapError, match=sentence):
        read_yaml(write(tmp_path, content), MapError, expected="sizes")


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.yaml: there is no such list of bags\."):
        read_yaml(tmp_path / "b.yaml", what="list of bags")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_yaml(tmp_path)
