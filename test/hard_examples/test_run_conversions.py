"""A tiny model hardened by filters and shapes: what is written, and that a run goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from helpers.tiny_adaptation import picture, write_city, write_start

from dalearn_ros.cli.main import main
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.hard_examples.album import ALBUM, METRICS
from dalearn_ros.hard_examples.conversion import Sample
from dalearn_ros.hard_examples.filters import SMOOTH
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.run import HARD, STORE, TRIES
from dalearn_ros.hard_examples.shapes import ShapeConversion
from dalearn_ros.hard_examples.statistics import WHOLE, measure
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.try_log import read_tries
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.labels.area_settings import AREAS, SIGN
from dalearn_ros.training.run_folder import RUN_FILE

SETTINGS: dict[str, Any] = {
    "batch": {"size": 2, "crops_per_image": 1, "workers": 0, "threads": 1},
    "crops": {"width": 96, "height": 64},
    "loop": {"steps": 4, "warmup_steps": 1, "log_every": 1, "checkpoint_every": 2},
    "search": {"threshold": 1.0, "failing_originals": "use", "outputs": 8, "tries": 8},
    "conversions": {"use": ["smooth", "shapes"]},
    "update": {"every": 4},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A start and its city, whose index images know the signs."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("harden")
    data = Dataset.open(write_city(folder / "city", range(4)))
    write_start(folder / "start", folder / "city", steps=3)
    for row in range(len(data)):
        index = np.full((96, 128), AREAS.index("building"), np.uint8)
        left, top = (np.array(picture(row)[1]) - 7.5).astype(int)
        index[top : top + 16, left : left + 16] = SIGN
        data.areas.write(data.image_path(row), index)
    return folder


def command(place: Path, out: Path, changes: dict[str, Any] | None = None) -> list[str]:
    config = place / f"{out.name}.yaml"
    config.write_text(yaml.safe_dump({**SETTINGS, **(changes or {})}), encoding="utf-8")
    return [
        "harden", "--init", f"{place}/start", "--data", f"{place}/city",
        "--config", str(config), "--out", str(out), "--seed", "2",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def done(place: Path) -> Path:
    """A run to the end without a store of colours."""
    assert main(command(place, place / "run")) == 0
    return place / "run"


def sample(city: Dataset, row: int) -> Sample:
    image = city.image(row)
    index = city.areas.read(city.image_path(row), image.shape)
    assert index is not None
    return Sample(image, city.labels(row), index)


def test_images_labels_and_areas_are_those_of_the_conversion(place: Path, done: Path) -> None:
    city, hard = Dataset.open(place / "city"), Dataset.open(done / HARD)
    names = {city.meta(i)["file_name"]: i for i in range(len(city))}
    shapes, kinds = ShapeConversion(city.label_space), set()
    for i in range(len(hard)):
        said = hard.meta(i)["hard"]
        kinds.add(said["conversion"])
        given = sample(city, names[said["image"]])
        ((part, values),) = said["parts"].items()
        assert values.pop("rule") in ("drawn", "generated")
        if said["conversion"] == "smooth":
            vector = np.array([values["sigma, px"]])
            made = SMOOTH.prepare(given).convert({WHOLE: vector}).sample
            assert part == WHOLE and made.labels is given.labels
        else:
            vector = np.array([values["log scale"], values["tilt, deg"]])
            made = shapes.prepare(given).convert({part: vector}).sample
            assert not np.allclose(made.labels.outlines_px[0], given.labels.outlines_px[0])
            assert not np.array_equal(made.index, given.index)
        assert np.abs(hard.image(i).astype(int) - made.image).mean() < 4.0  # JPEG
        labels, index = hard.labels(i), hard.areas.read(hard.image_path(i), made.image.shape)
        np.testing.assert_allclose(labels.outlines_px[0], made.labels.outlines_px[0], atol=1e-3)
        np.testing.assert_allclose(labels.point_px, made.labels.point_px, atol=1e-3)
        np.testing.assert_array_equal(labels.range_m, made.labels.range_m)
        np.testing.assert_array_equal(index, made.index)
    assert kinds == {"smooth", "shapes"} and len(hard) == 8


def test_the_log_the_figures_and_the_album_name_the_conversions(done: Path) -> None:
    tries = read_tries(done / TRIES)
    assert {entry.conversion for entry in tries} == {"smooth", "shapes"}
    assert all(entry.vectors and not entry.parameters for entry in tries)
    metrics = json.loads((done / METRICS).read_text(encoding="utf-8"))
    assert set(metrics["conditions"]) == {"smooth", "shapes"}
    album = (done / ALBUM).read_text(encoding="utf-8")
    for text in ("Where it hurts: smooth", "log scale", "tilt, deg", "smooth of image: sigma, px"):
        assert text in album
    said = json.loads((done / RUN_FILE).read_text(encoding="utf-8"))
    assert said["store"] is None and said["hardening"]["conversions"]["use"] == ["smooth", "shapes"]
    assert not (done / STORE).exists()
    LandmarkDetector.load(done, 1).detect(picture(1)[0])


def test_the_same_command_goes_on_with_what_is_there(
    place: Path, done: Path, tmp_path: Path, capsys: Any
) -> None:
    copy = shutil.copytree(done, tmp_path / "run")
    arguments = [str(copy) if one == str(done) else one for one in command(place, done)]
    assert main(arguments) == 0
    for name in (TRIES, f"{HARD}/annotations.json"):
        assert (copy / name).read_bytes() == (done / name).read_bytes()
    next((copy / "found" / "labels").iterdir()).unlink()
    assert main(arguments) == 1
    assert "is missing; the run cannot go on" in capsys.readouterr().err


def test_colours_and_a_filter_together(place: Path, tmp_path: Path) -> None:
    city = Dataset.open(place / "city")
    with ParameterStore.create(tmp_path / "store.sqlite") as store:
        one = sample(city, 0)
        found = measure(store.space.from_bgr(one.image // 2), one.index, AREAS)
        store.add_target("night", "night", Condition("night", "sunny"), found)
    changes = {"conversions": {"use": ["colours", "edges"]}, "update": {"every": 0}}
    arguments = command(place, tmp_path / "run", changes)
    assert main([*arguments, "--store", f"{tmp_path}/store.sqlite"]) == 0
    tries = read_tries(tmp_path / "run" / TRIES)
    assert {(entry.conversion, entry.condition) for entry in tries} == {
        ("colours", "night/sunny"), ("edges", "edges"),
    }  # fmt: skip
    hard = Dataset.open(tmp_path / "run" / HARD)
    said = [hard.meta(i)["hard"] for i in range(len(hard))]
    assert all(("areas" in one) != (one.get("conversion") == "edges") for one in said)
    with ParameterStore.open(tmp_path / "run" / STORE) as store:
        assert any(one.used for one in store.parameters())


def test_a_store_is_wanted_for_colours_alone(place: Path, tmp_path: Path, capsys: Any) -> None:
    colours = command(place, tmp_path / "run", {"conversions": {}})
    assert main(colours) == 1
    assert (
        "--store: expected a store of colour distributions, found none" in capsys.readouterr().err
    )
    store = tmp_path / "store.sqlite"
    ParameterStore.create(store).close()
    assert main([*command(place, tmp_path / "run"), "--store", str(store)]) == 1
    assert "--store: expected none" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
