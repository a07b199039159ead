"""Harden a model: search and learning as one run in a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import DatasetError, SettingsError
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.network import NEW_PARTS, LandmarkNetwork
from dalearn_ros.detector.regime import build_network, metadata_of
from dalearn_ros.detector.run import open_run
from dalearn_ros.detector.samples import check_label_spaces
from dalearn_ros.detector.settings import TrainSettings, check_settings
from dalearn_ros.hard_examples.colour_conversion import COLOURS
from dalearn_ros.hard_examples.filters import FILTERS, Filter
from dalearn_ros.hard_examples.found import HardImages
from dalearn_ros.hard_examples.hunt import Hunt
from dalearn_ros.hard_examples.learning import HardenTask
from dalearn_ros.hard_examples.search import Search
from dalearn_ros.hard_examples.search_axes import AxisWay, Suited
from dalearn_ros.hard_examples.search_colours import ColourWay
from dalearn_ros.hard_examples.search_settings import (
    ConversionSettings,
    HardenSettings,
    check_harden,
    check_names,
)
from dalearn_ros.hard_examples.shapes import ShapeConversion
from dalearn_ros.hard_examples.sources import Sources, area_names
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_schema import copy_store
from dalearn_ros.hard_examples.tries import Way
from dalearn_ros.hard_examples.try_log import TryLog
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)
from dalearn_ros.training.loading import worker_errors
from dalearn_ros.training.loop import CHECKPOINT, WEIGHTS, Trainer
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

STORE, TRIES, FOUND, HARD = "conditions.sqlite", "tries.jsonl", "found", "hard"


@dataclass(frozen=True)
class Inputs:
    """What a model is hardened with.

    Attributes:
        init: Run folder or weights of the start.
        data: Labelled images that are converted and replayed.
        store: Target distributions; None: no colours are converted.
        validation: Labelled images for thresholds; empty: the start's stay.
        index: Folder of index images; None: those beside the data.
    """

    init: Path
    data: Sequence[Dataset]
    store: Path | None
    validation: Sequence[Dataset] = ()
    index: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How it ended.

    Attributes:
        hunt: The search, with all tries and hard images.
        start: The network before.
        network: The network after, the same one if nothing was hard.
        figures: Of the start's validation, its thresholds among them.
        steps: Gradient steps taken.
        minutes: Of learning and search.
    """

    hunt: Hunt
    start: LandmarkNetwork
    network: LandmarkNetwork
    figures: Mapping[str, float]
    steps: int
    minutes: float


def harden(inputs: Inputs, run: Path, settings: HardenSettings, seed: int) -> Outcome:
    """Search and learn, or go on with the run that is in the folder.

    Afterwards the folder is a run like one of ``dalearn train``; ``hard/`` is the dataset of hard
    images, ``tries.jsonl`` has every try, ``conditions.sqlite`` the store with what became of its
    parameters.

    Raises:
        InputError: The folder holds something else, or a run that differs; the model fails on
            every image and nothing hard was found yet; the store is empty or has nothing of the
            condition.
        DatasetError: Datasets of other classes, no image with objects, an unfitting index image.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that do not fit together, colours without a store, or an area that
            the index images have no name for.
    """
    check_settings(settings, 1)
    check_harden(settings)
    _check_given_store(inputs.store, settings)
    areas = area_names(inputs.data, inputs.index)
    check_names("convert.areas", settings.convert.areas, areas)
    check_label_spaces([*inputs.data, *inputs.validation])
    space = inputs.data[0].label_space
    start, header, digest = _start(inputs, settings, seed)
    figures = dict(header.get("figures", {}))
    claim_run(run, _description(inputs, settings, seed, digest))
    metadata = metadata_of(settings, space, figures, {})
    with worker_errors(), contextlib.ExitStack() as stack:
        store = None
        if inputs.store is not None:
            copy_store(inputs.store, run / STORE)
            store = stack.enter_context(ParameterStore.open(run / STORE, write=True))
        sources = Sources(inputs.data, inputs.index)
        network = build_network(settings, space, seed)
        network.load_state_dict(start.state_dict())
        found = HardImages(run / FOUND, sources, space)
        ways = ways_of(settings, sources, store, space)
        search = Search(ways, len(sources), settings.search, seed)
        last = _last_step(run)
        log = TryLog(run / TRIES, last)
        hunt = Hunt(search, store, sources, found, log, settings, digest[:8])
        task = HardenTask(settings, inputs.data, inputs.validation, seed, hunt, metadata, figures)
        trainer = Trainer(network.to(ALONE.device), task, settings.loop, run, seed=seed)
        average = trainer.average.network
        assert isinstance(average, LandmarkNetwork)
        task.network = average
        task.search(trainer.step)
        trainer.seconds += hunt.seconds(trainer.step)  # no step was taken since: its clock lacks it
        if len(found):
            trainer.run()
        else:  # nothing to learn
            groups = {"network": dict(start.state_dict())}
            save_checkpoint(run / WEIGHTS, Checkpoint(groups, {"step": 0, "figures": figures}))
        about = {"command": "dalearn harden", "store": str(inputs.store), "seed": seed}
        found.write(run / HARD, about)
    return Outcome(hunt, start, average, figures, trainer.step, trainer.seconds / 60.0)


def ways_of(
    settings: HardenSettings, sources: Sources, store: ParameterStore | None, space: LabelSpace
) -> list[Way]:
    """What proposes conversions, in the order of the settings.

    Args:
        settings: All of them.
        sources: Images that are converted.
        store: Opened to write; wanted if colours are converted.
        space: Classes of the landmarks.

    Raises:
        InputError: No image has a part that a conversion changes.
        SettingsError: A condition that the store's table does not have.
    """
    found: list[Way] = []
    for name in settings.conversions.use:
        if name == COLOURS:
            assert store is not None
            found.append(ColourWay(store, sources.areas, settings))
        else:
            conversion = FILTERS.get(name) or ShapeConversion(space)
            found.append(AxisWay(conversion, _suited(conversion, sources), len(sources), settings))
    return found


def _suited(conversion: Filter | ShapeConversion, sources: Sources) -> Suited:
    return lambda row, vector: conversion.suited(sources.labels(row), sources.sizes[row], vector)


def _start(
    inputs: Inputs, settings: HardenSettings, seed: int
) -> tuple[LandmarkNetwork, Mapping[str, Any], str]:
    """Network, header and digest of the start."""
    space = inputs.data[0].label_space
    if inputs.init.is_dir():
        known = open_run(inputs.init).label_space
        if known.digest != space.digest:
            expected = f"the classes of {inputs.data[0].path}"
            raise DatasetError.at(inputs.init, "", expected, ", ".join(known.names[1:]))
    path = inputs.init / WEIGHTS if inputs.init.is_dir() else inputs.init
    checkpoint = load_checkpoint(path)
    network = build_network(settings, space, seed)
    load_weights(network, dict(checkpoint.groups.get("network", {})), path, new=NEW_PARTS)
    digest = sha256_of(path)
    return network.eval(), checkpoint.header, digest


def _last_step(run: Path) -> int:
    """Steps of the run's checkpoint; 0 if there is none."""
    path = run / CHECKPOINT
    return int(load_checkpoint(path).header["step"]) if path.is_file() else 0


def _check_given_store(path: Path | None, settings: HardenSettings) -> None:
    """Raise SettingsError unless there is a store where colours are converted, and only there."""
    colours = COLOURS in settings.conversions.use
    if colours != (path is not None):
        expected = "a store of colour distributions" if colours else "none"
        hint = f"Searched with: {', '.join(settings.conversions.use)} (conversions.use)."
        raise SettingsError.at("--store", "", expected, str(path or "none"), hint)


def _check_store(path: Path, named: str, seed: int) -> None:
    """Raise InputError for what a store lacks, before the run's folder is made."""
    with ParameterStore.open(path) as store:
        store.draw(generator(seed), store.table.condition(named) if named else None)


def _description(
    inputs: Inputs, settings: HardenSettings, seed: int, digest: str
) -> dict[str, object]:
    store = None
    if inputs.store is not None:
        _check_store(inputs.store, settings.search.condition, seed)
        store = {"path": str(inputs.store), "sha256": sha256_of(inputs.store)}
    values = dump_settings(settings)
    if settings.conversions == ConversionSettings():
        del values["conversions"]  # runs of before there were others than colours go on
    trained = dump_settings(TrainSettings())
    return {
        "format": "landmark-detector run",
        "format_version": FORMAT_VERSION,
        "settings": {name: value for name, value in values.items() if name in trained},
        "hardening": {name: value for name, value in values.items() if name not in trained},
        "label_space": inputs.data[0].label_space.to_dict(),
        "seed": seed,
        "init": {"path": str(inputs.init), "sha256": digest},
        "data": [{"path": str(d.path), "images": len(d)} for d in inputs.data],
        "validation": [{"path": str(d.path), "images": len(d)} for d in inputs.validation],
        "store": store,
        "index": None if inputs.index is None else str(inputs.index),
    }
