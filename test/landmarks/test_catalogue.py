"""Label space and catalogues come from files, and a wrong file is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.landmarks.catalogue import Catalogue, LabelSpace

NAMES = (
    "background warning_sign regulating_sign indicating_sign auxiliary_sign signal "
    "arrow stop_line crosswalk symbol"
).split()


def test_the_shipped_label_space_is_the_contract() -> None:
    space = LabelSpace.load()
    assert list(space.names) == NAMES
    assert [space.rule_of(i) for i in range(1, 10)] == ["center"] * 5 + ["lower_right"] * 4


def test_round_trip_and_digest() -> None:
    space = LabelSpace.load()
    assert LabelSpace.from_dict(space.to_dict()) == space
    other = LabelSpace.from_dict({"classes": [{"name": "pole", "rule": "center"}]})
    assert other.digest != space.digest


def test_an_unknown_class_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="warning_sign.*'tree'"):
        LabelSpace.load().id_of("tree")


def test_a_code_falls_back_to_the_star_and_then_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "land.yaml"
    path.write_text("tags:\n  light: {'*': signal}\n  sign: {a: warning_sign}\n")
    catalogue = Catalogue.load(path)
    space = catalogue.label_space
    assert catalogue.class_of_tag("light", "anything") == space.id_of("signal")
    assert catalogue.class_of_tag("sign", "a") == space.id_of("warning_sign")
    assert catalogue.class_of_tag("sign", "b") is None
    assert catalogue.class_of_tag("tree", "b") is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("tags: {sign: {a: tree}}", "'tree'"),
        ("tags: [1]", "key 'tags'"),
        ("tags: {sign: 3}", "tags.sign"),
        ("{", "cannot be read as YAML"),
    ],
)
def test_a_wrong_catalogue_is_a_sentence(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "land.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=part):
        Catalogue.load(path)


def test_an_unknown_catalogue_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="korea, mutcd, vienna.*'atlantis'"):
        Catalogue.load("atlantis")


@pytest.mark.parametrize("rule", ["middle", None])
def test_an_unknown_rule_is_refused(rule: str | None) -> None:
    with pytest.raises(SettingsError, match="a rule out of center, lower_right"):
        LabelSpace.from_dict({"classes": [{"name": "pole", "rule": rule}]})
