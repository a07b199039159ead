"""Train or retrain a plain classifier or regressor with attention maps: a run in a folder (A8)."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dalearn_ros.attention.cam import Cam
from dalearn_ros.attention.cells import over_image
from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_data import Examples, select
from dalearn_ros.attention.classifier_review import ImageReviewer, files_of, score_of
from dalearn_ros.attention.classifier_run import (
    CLASSIFICATION,
    IMAGE_FORMAT,
    Make,
    open_image_run,
)
from dalearn_ros.attention.classifier_settings import ImageSettings, check_image_settings
from dalearn_ros.attention.classifier_start import (
    ImageInputs,
    make_of,
    read_inputs,
    shell_of,
    start_network,
)
from dalearn_ros.attention.classifier_task import ImageTask
from dalearn_ros.attention.edits import NO_EDITS, Edits, match_edits
from dalearn_ros.attention.freezing import Frozen, losses_of, parts_that_learn
from dalearn_ros.attention.regime import with_branch
from dalearn_ros.attention.regression import EDITED, ELSEWHERE, Row, summarise, told
from dalearn_ros.attention.regression_report import REPORT, verdict_of, write_report
from dalearn_ros.attention.retrain import METRICS
from dalearn_ros.bags.images import decode_compressed
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.training.loop import WEIGHTS, Trainer, TrainResult
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

Array = npt.NDArray[np.float32]
_OTHERS = 500  # images without a map that are compared, where there is no validation


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
    data, validation = read_inputs(inputs, settings, start)
    make = make_of(inputs, settings, data, start)
    shell, is_new = start_network(settings, make, start, seed)
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
    left_out = 0
    if start is not None:
        trained = open_image_run(run).network
        after = trained if isinstance(trained, ImageAttention) else shell_of(trained, settings)
        makes = dataclasses.replace(start.make, branch=start.make.branch and make.branch), make
        unseen = validation
        if validation is not None:
            unseen = without_edited(validation, edits)
            left_out = len(validation) - len(unseen)
        rows = _rows((before, after), makes, settings, data, unseen, maps)
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
        "edits": {**edits.summary(), "proposed": 0, "in_validation": left_out},
        "figures": dict(result.figures),
        "skipped_images": [*data.images.unreadable, *_unreadable(validation)],
        "rows": told(rows),
    }
    write_json(run / METRICS, metrics)
    names = files_of(data)
    wanted = {names[number]: one for number, one in maps.items()}
    write_report(run / REPORT, metrics, rows, wanted, settings.attention.source == "cam")
    return metrics


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
        if examples is None or not len(examples):
            continue
        both = [reviewer.judge(examples, inside) for reviewer in reviewers]
        for number, (name, *pair) in enumerate(zip(files_of(examples), *both, strict=True)):
            rows.append(Row(name, EDITED if number in inside else ELSEWHERE, *pair))
    return rows


def without_edited(data: Examples, edits: Edits) -> Examples:
    """The examples that have no corrected map that was learnt from; by the bytes of their files."""
    learnt = edits.images
    chosen = [number for number, digest in enumerate(data.images.digests) if digest not in learnt]
    return data if len(chosen) == len(data) else select(data, chosen)


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
        start = {"path": str(inputs.init), "sha256": sha256_of(inputs.init / WEIGHTS)}
    return {
        "format": IMAGE_FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": dump_settings(settings),
        "make": dataclasses.asdict(make),
        "seed": seed,
        "init": start,
        "data": {"path": str(inputs.data), "images": len(data), "content": data.images.fingerprint},
        "validation": None if inputs.validation is None else str(inputs.validation),
        "edits": edits.about(inputs.edits),
    }
