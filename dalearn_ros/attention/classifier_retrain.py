"""Train or retrain a plain classifier or regressor with attention maps: a run in a folder (A8)."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dalearn_ros.attention.cam import Cam
from dalearn_ros.attention.cells import over_image
from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_data import Examples, names_of, read_examples, select
from dalearn_ros.attention.classifier_review import ImageReviewer, files_of, score_of
from dalearn_ros.attention.classifier_run import (
    CLASSIFICATION,
    IMAGE_FORMAT,
    ImageRun,
    Make,
    build_image_network,
    check_names,
    open_image_run,
)
from dalearn_ros.attention.classifier_settings import ImageSettings, check_image_settings
from dalearn_ros.attention.classifier_task import ImageTask
from dalearn_ros.attention.edits import NO_EDITS, Edits, match_edits
from dalearn_ros.attention.freezing import Frozen, losses_of, parts_that_learn
from dalearn_ros.attention.regime import with_branch
from dalearn_ros.attention.regression import EDITED, ELSEWHERE, Row, summarise, told
from dalearn_ros.attention.regression_report import REPORT, verdict_of, write_report
from dalearn_ros.attention.retrain import METRICS
from dalearn_ros.attention.teacher_maps import digest_of
from dalearn_ros.bags.images import decode_compressed
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.training.loop import WEIGHTS, Trainer, TrainResult
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

Array = npt.NDArray[np.float32]
OF_THE_START = ("network", "input")
_LEAST_SPREAD = 1e-6
_OTHERS = 500  # images without a map that are compared, where there is no validation


@dataclass(frozen=True)
class ImageInputs:
    """What a plain network learns from.

    Attributes:
        task: ``classification`` or ``regression``.
        data: Folder to learn from; corrected maps belong to images in it.
        validation: Folder to judge on, and to see what breaks elsewhere; or None.
        init: Run folder of the start; None: random weights.
        edits: Folder of corrected maps; None: the network learns without.
    """

    task: str
    data: Path
    validation: Path | None = None
    init: Path | None = None
    edits: Path | None = None


def image_settings(init: Path | None, config: Path | None) -> ImageSettings:
    """Settings; network and input are the start's, and split and branch if it has a branch.

    Raises:
        SettingsError: A settings file that cannot be used.
        ModelError: ``init`` is no finished run of a classifier or regressor.
    """
    if init is None:
        return load_settings(ImageSettings, config)
    start = open_image_run(init)
    values = dump_settings(start.settings)
    names = (*OF_THE_START, "split", "branch") if start.make.branch else OF_THE_START
    return load_settings(ImageSettings, config, {name: values[name] for name in names})


def retrain_images(
    inputs: ImageInputs, run: Path, settings: ImageSettings, seed: int
) -> dict[str, Any]:
    """Learn, or go on with the run that is in the folder, and compare with the start.

    With ``attention.source: cam`` the network has no branch; without maps it is then a plain
    classifier or regressor that learns by recognition alone.

    Args:
        inputs: Start, data and maps.
        run: The folder; afterwards with ``weights.safetensors``, ``metrics.json``, ``report.html``.
        settings: All of them; see :func:`image_settings`.
        seed: Of weights, changes and order.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        InputError: The folder holds something else, or a run that differs; no map can be used.
        DatasetError: Data that cannot be read, or of other classes.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that do not fit together, or nothing that learns.
    """
    check_image_settings(settings)
    start = None if inputs.init is None else open_image_run(inputs.init)
    data, validation = _read(inputs, settings, start)
    make = _make(inputs, settings, data, start)
    shell, is_new = _network(settings, make, start, seed)
    cells = _cells(shell, settings, make)
    edits = _edits(inputs, data)
    maps = {n: over_image(edit.wanted, cells) for n, edit in edits.used.items()}
    losses = losses_of(settings.attention, bool(maps))
    learns = parts_that_learn(settings.attention, losses, is_new=start is None)
    claim_run(run, _description(inputs, settings, make, data, edits, seed))
    before = copy.deepcopy(shell)
    task, network = _task(shell, settings, make, data, validation, maps, losses, learns, seed)
    result = Trainer(network, task, settings.loop, run, ALONE, seed).run()
    rows: list[Row] = []
    if start is not None:
        trained = open_image_run(run).network
        after = trained if isinstance(trained, ImageAttention) else _shell(trained, settings)
        makes = dataclasses.replace(start.make, branch=start.make.branch and make.branch), make
        rows = _rows((before, after), makes, settings, data, validation, maps)
    score = "accuracy" if make.task == CLASSIFICATION else "right"
    summary = summarise(rows, score)
    metrics = {
        "verdict": verdict_of(summary) if rows else _verdict(result),
        "score": score,
        "new_branch": make.branch and (start is None or not start.make.branch),
        "losses": list(losses),
        "learns": list(learns),
        "steps": result.steps,
        "elsewhere_is": "training" if validation is None else "validation",
        **summary,
        "edits": {**edits.summary(), "proposed": 0},
        "figures": dict(result.figures),
        "skipped_images": [*data.images.unreadable, *_unreadable(validation)],
        "rows": told(rows),
    }
    write_json(run / METRICS, metrics)
    names = files_of(data)
    write_report(run / REPORT, metrics, rows, {names[n]: one for n, one in maps.items()})
    return metrics


def _read(
    inputs: ImageInputs, settings: ImageSettings, start: ImageRun | None
) -> tuple[Examples, Examples | None]:
    names = names_of(inputs.data, inputs.task)
    if start is not None:
        if inputs.task == CLASSIFICATION and set(names) <= set(start.make.names):
            names = start.make.names  # a class may lack a folder
        check_names(start, inputs.task, names, inputs.data)
    channels = settings.input.channels if start is None else start.make.channels
    data = read_examples(inputs.data, inputs.task, names, settings.input.size, channels)
    if inputs.validation is None:
        return data, None
    wanted = int(data.images.images.shape[1])
    found = read_examples(inputs.validation, inputs.task, names, settings.input.size, wanted)
    return data, found


def _make(
    inputs: ImageInputs, settings: ImageSettings, data: Examples, start: ImageRun | None
) -> Make:
    branch = settings.attention.source == "branch"
    if start is not None:
        if start.make.branch and not branch:
            expected = "a network without an attention branch, for attention.source 'cam'"
            hint = "It has a map of its own: use attention.source 'branch'."
            raise ModelError.at(start.path, "", expected, "one with a branch", hint)
        return dataclasses.replace(start.make, branch=branch)
    channels = int(data.images.images.shape[1])
    if inputs.task == CLASSIFICATION:
        return Make(inputs.task, data.names, channels, branch)
    values = data.truth.double()
    spread = values.std(dim=0, unbiased=False).clamp(min=_LEAST_SPREAD)
    scale = tuple(values.mean(dim=0).tolist()), tuple(spread.tolist())
    return Make(inputs.task, data.names, channels, branch, *scale)


def _network(
    settings: ImageSettings, make: Make, start: ImageRun | None, seed: int
) -> tuple[ImageAttention, bool]:
    """The network, in a shell with a new branch where it has none, and whether that is new."""
    if start is None:
        shell = build_image_network(settings, dataclasses.replace(make, branch=True), seed)
        assert isinstance(shell, ImageAttention)
        return shell, True
    if isinstance(start.network, ImageAttention):
        return copy.deepcopy(start.network), False
    torch.manual_seed(seed)
    return _shell(copy.deepcopy(start.network), settings), True


def _shell(network: nn.Module, settings: ImageSettings) -> ImageAttention:
    assert isinstance(network, ImageClassifier)
    shell = ImageAttention(network, settings.network, settings.split, settings.branch)
    return shell.to(memory_format=torch.channels_last)


@torch.no_grad()
def _cells(shell: ImageAttention, settings: ImageSettings, make: Make) -> tuple[int, int]:
    """(rows, columns) of its maps."""
    size = settings.input.size
    rows, columns = shell.extract(torch.zeros(1, make.channels, size, size)).shape[2:]
    return rows, columns


def _edits(inputs: ImageInputs, data: Examples) -> Edits:
    if inputs.edits is None:
        return NO_EDITS

    def size_of(number: int) -> tuple[int, int]:
        height, width = decode_compressed(data.images.files[number].read_bytes()).shape[:2]
        return width, height

    return match_edits(inputs.edits, data.images.files, size_of)


def _task(
    shell: ImageAttention,
    settings: ImageSettings,
    make: Make,
    data: Examples,
    validation: Examples | None,
    maps: Mapping[int, Array],
    losses: Sequence[str],
    learns: Sequence[str],
    seed: int,
) -> tuple[ImageTask, nn.Module]:
    shell = shell.to(ALONE.device)
    parts, recognise = dict(shell.parts()), with_branch
    network: nn.Module = shell
    if not make.branch:
        del parts["attention"]
        network = shell.classifier
        cam = Cam(shell, score_of(make))
        recognise = cam.recognise if "map" in losses else cam.answer
    frozen = Frozen(parts, learns)
    task = ImageTask(
        settings, make, data, validation, maps, seed, losses, frozen, recognise
    )  # fmt: skip
    return task, network


def _rows(
    networks: tuple[ImageAttention, ImageAttention],
    makes: tuple[Make, Make],
    settings: ImageSettings,
    data: Examples,
    validation: Examples | None,
    maps: Mapping[int, Array],
) -> list[Row]:
    """The images with a map, and those of validation, or without any some of the others."""
    cam = settings.attention.source == "cam"
    reviewers = [
        ImageReviewer(network, make, settings.value_tolerance, cam and not make.branch)
        for network, make in zip(networks, makes, strict=True)
    ]
    numbers = set(maps)
    if validation is None:
        others = [number for number in range(len(data)) if number not in maps]
        numbers |= set(others[:: max(1, -(-len(others) // _OTHERS))])
    looked = select(data, sorted(numbers))
    wanted = {row: maps[n] for row, n in enumerate(sorted(numbers)) if n in maps}
    rows = []
    for examples, inside in ((looked, wanted), (validation, {})):
        if examples is None:
            continue
        both = [reviewer.judge(examples, inside) for reviewer in reviewers]
        for number, (name, *pair) in enumerate(zip(files_of(examples), *both, strict=True)):
            rows.append(Row(name, EDITED if number in inside else ELSEWHERE, *pair))
    return rows


def _verdict(result: TrainResult) -> str:
    figures = ", ".join(f"{name} {value:.3f}" for name, value in result.figures.items())
    return f"A new network after {result.steps} steps{': ' + figures if figures else ''}."


def _unreadable(data: Examples | None) -> Sequence[str]:
    return () if data is None else data.images.unreadable


def _description(
    inputs: ImageInputs,
    settings: ImageSettings,
    make: Make,
    data: Examples,
    edits: Edits,
    seed: int,
) -> dict[str, Any]:
    start = None
    if inputs.init is not None:
        start = {"path": str(inputs.init), "sha256": digest_of(inputs.init / WEIGHTS)}
    return {
        "format": IMAGE_FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": dump_settings(settings),
        "make": dataclasses.asdict(make),
        "seed": seed,
        "init": start,
        "data": {"path": str(inputs.data), "images": len(data), "content": data.images.digest},
        "validation": None if inputs.validation is None else str(inputs.validation),
        "edits": edits.about(inputs.edits),
    }
