"""A run folder to an ONNX file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dalearn_ros import __version__
from dalearn_ros.coding.metadata import AttentionMetadata, ModelMetadata
from dalearn_ros.core.errors import InputError, ModelError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import PREFIX
from dalearn_ros.detector.regime import metadata_of, validate
from dalearn_ros.detector.run import Run, open_run
from dalearn_ros.export.onnx import export_onnx

if TYPE_CHECKING:
    from dalearn_ros.attention.run import LandmarkRun
    from dalearn_ros.depth.run import DepthRun
    from dalearn_ros.depth.taught import Taught


def export_run(
    run: Path, out: Path, validation: Sequence[Dataset] = (), depth: bool = False
) -> tuple[ModelMetadata, float]:
    """Export the averaged weights of a run; with the attention branch, if it has one.

    A file can have depth, attention, or both.

    Args:
        run: Run folder of training.
        out: The ONNX file, ``.onnx``.
        validation: Datasets on which the thresholds are chosen anew; empty keeps the run's.
        depth: With the depth head, which a run of ``dalearn distill`` has, and one of
            ``dalearn retrain-attention`` that kept it.

    Returns:
        What was written into the file, and the largest difference from the network.

    Raises:
        InputError: ``out`` is no ``.onnx`` file.
        ModelError: The run is not finished or damaged, has no depth that can be exported though
            it was asked for, or the answers differ.
    """
    if out.suffix != ".onnx":
        raise InputError.at(out, "", "a file name that ends with .onnx", f"'{out.name}'")
    from dalearn_ros.attention.run import has_attention

    if has_attention(run):
        return _export_attention(run, out, validation, depth)
    deep = _with_depth(run) if depth else None
    opened = open_run(run) if deep is None else deep.run
    metadata = _metadata(opened, validation)
    if deep is None:
        return metadata, export_onnx(opened.network, metadata, out)
    taught = deep.taught.metadata(opened.settings.grid.cell_px)
    metadata = dataclasses.replace(metadata, depth=taught)
    return metadata, export_onnx(deep.network, metadata, out)


def _export_attention(
    run: Path, out: Path, validation: Sequence[Dataset], depth: bool
) -> tuple[ModelMetadata, float]:
    from dalearn_ros.attention.depth_kept import open_attentive_depth
    from dalearn_ros.attention.run import open_landmark_run

    deep = open_attentive_depth(run) if depth else None
    opened = open_landmark_run(run) if deep is None else deep.run
    stride, synthesis = opened.settings.grid.cell_px, opened.branch.synthesis
    own = AttentionMetadata(stride, synthesis)
    metadata = dataclasses.replace(_metadata(opened, validation), attention=own)
    if deep is None:
        return metadata, export_onnx(opened.network, metadata, out)
    _check_portable(run, deep.taught)
    metadata = dataclasses.replace(metadata, depth=deep.taught.metadata(stride))
    return metadata, export_onnx(deep.network, metadata, out)


def _metadata(opened: Run | LandmarkRun, validation: Sequence[Dataset]) -> ModelMetadata:
    """What goes into the file of any run: classes, grid, thresholds, history."""
    figures = dict(opened.header.get("figures", {}))
    if validation:
        figures = validate(opened.network, opened.settings, opened.label_space, validation)
    training = {
        "version": __version__,
        "seed": opened.description.get("seed"),
        "images": sum(entry["images"] for entry in opened.description.get("data", ())),
        "steps": opened.header["step"],
        "validation": {
            name: round(value, 4) for name, value in figures.items() if not name.startswith(PREFIX)
        },
    }
    if "minutes" in opened.header:
        training["minutes"] = round(float(opened.header["minutes"]), 1)
    return metadata_of(opened.settings, opened.label_space, figures, training)


def _with_depth(run: Path) -> DepthRun:
    """A run with its depth head, if that can be used by any camera."""
    from dalearn_ros.depth.run import open_depth_run

    deep = open_depth_run(run)
    _check_portable(run, deep.taught)
    return deep


def _check_portable(run: Path, taught: Taught) -> None:
    if taught.location is None:
        hint = "Without it metres hold for one camera only; teach it with 'location: true'."
        raise ModelError.at(run, "depth", "a head that is told the location", "one without", hint)
