"""A run folder to an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dalearn_ros import __version__
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.core.errors import InputError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import PREFIX
from dalearn_ros.detector.regime import metadata_of, validate
from dalearn_ros.detector.run import open_run
from dalearn_ros.export.onnx import export_onnx


def export_run(
    run: Path, out: Path, validation: Sequence[Dataset] = ()
) -> tuple[ModelMetadata, float]:
    """Export the averaged weights of a run.

    Args:
        run: Run folder of training.
        out: The ONNX file, ``.onnx``.
        validation: Datasets on which the thresholds are chosen anew; empty keeps the run's.

    Returns:
        What was written into the file, and the largest difference from the network.

    Raises:
        InputError: ``out`` is no ``.onnx`` file.
        ModelError: The run is not finished or damaged, or the answers differ.
    """
    if out.suffix != ".onnx":
        raise InputError.at(out, "", "a file name that ends with .onnx", f"'{out.name}'")
    opened = open_run(run)
    figures = dict(opened.header.get("figures", {}))
    if validation:
        figures = validate(opened.network, opened.settings, opened.label_space, validation)
    training = {
        "version": __version__,
        "seed": opened.description["seed"],
        "images": sum(entry["images"] for entry in opened.description["data"]),
        "steps": opened.header["step"],
        "validation": {
            name: round(value, 4) for name, value in figures.items() if not name.startswith(PREFIX)
        },
    }
    if "minutes" in opened.header:
        training["minutes"] = round(float(opened.header["minutes"]), 1)
    metadata = metadata_of(opened.settings, opened.label_space, figures, training)
    return metadata, export_onnx(opened.network, metadata, out)
