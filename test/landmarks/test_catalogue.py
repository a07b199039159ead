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
        ("{", "expected YAML"),
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


def test_a_class_may_list_its_codes_with_ranges(tmp_path: Path) -> None:
    path = tmp_path / "land.yaml"
    path.write_text('tags:\n  sign: {warning_sign: ["x9..11", y], old: signal}\n')
    space = LabelSpace.load()
    expected = {code: space.id_of("warning_sign") for code in ("x9", "x10", "x11", "y")}
    assert Catalogue.load(path).tags == {"sign": {**expected, "old": space.id_of("signal")}}


def test_what_a_file_says_itself_wins_over_what_it_includes(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("tags: {sign: {signal: [a, b]}, line: {stop_line: [c]}}")
    (tmp_path / "land.yaml").write_text("include: shared.yaml\ntags: {sign: {warning_sign: [b]}}")
    catalogue = Catalogue.load(tmp_path / "land.yaml")
    names = catalogue.label_space.names
    found = {
        (kind, code): names[i] for kind, row in catalogue.tags.items() for code, i in row.items()
    }
    assert found == {
        ("sign", "a"): "signal",
        ("sign", "b"): "warning_sign",
        ("line", "c"): "stop_line",
    }


def test_an_include_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "land.yaml").write_text("include: shared.yaml\ntags: {}")
    with pytest.raises(SettingsError, match=r"shared\.yaml: there is no such file"):
        Catalogue.load(tmp_path / "land.yaml")


@pytest.mark.parametrize("name", ["korea", "vienna", "mutcd"])
def test_every_shipped_catalogue_knows_the_tags_of_both_formats(name: str) -> None:
    catalogue = Catalogue.load(name)
    names = catalogue.label_space.names
    for kind, code, expected in (
        ("traffic_light", "red_yellow_green", "signal"),
        ("stop_line", "", "stop_line"),
        ("road_marking", "arrow_*", "arrow"),
        ("signal", "1000001", "signal"),
        ("object", "crosswalk", "crosswalk"),
        ("object", "Speed_*", "regulating_sign"),
    ):
        class_id = catalogue.class_of_tag(kind, code)
        assert class_id is not None
        assert names[class_id] == expected
    signs = {names[i] for i in catalogue.tags["traffic_sign"].values()}
    assert signs == {"warning_sign", "regulating_sign", "indicating_sign", "auxiliary_sign"}


@pytest.mark.parametrize(
    ("name", "prefix", "codes"),
    [
        ("korea", "kr", {"101": 1, "142": 1, "201": 2, "224": 2, "301": 3, "334": 3, "401": 4}),
        ("vienna", "de", {"101": 1, "162": 1, "205": 2, "274": 2, "301": 3, "1040": 4, "102": 1}),
        ("mutcd", "us", {"W1-1": 1, "R1-1": 2, "R2-1": 2, "D1-1": 3, "W16-7P": 4, "S1-1": 1}),
    ],
)
def test_signs_of_the_shipped_catalogues(name: str, prefix: str, codes: dict[str, int]) -> None:
    tags = Catalogue.load(name).tags["traffic_sign"]
    assert {code: tags[prefix + code] for code in codes} == codes
