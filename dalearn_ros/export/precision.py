"""An exported model in fp16 or int8: converted, measured on real frames, refused if it loses much.

Works on the ONNX file; nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from dalearn_ros.coding.metadata import InputSettings
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import DatasetError, InputError, ModelError
from dalearn_ros.core.files import atomic_file, plain
from dalearn_ros.core.settings import field
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.export.frames import Frames
from dalearn_ros.export.half import as_if_half, to_half
from dalearn_ros.export.loss import Loss, loss_between, observe
from dalearn_ros.export.quantise import METHODS, quantised
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.preprocess import to_input

PRECISIONS = ("fp32", "fp16", "int8")
KEY = "dalearn_ros.precision"  # of the ONNX file's metadata, beside the model's own
BEST = "best"


@dataclass(frozen=True)
class PrecisionSettings:
    """How a precision is made and how much it may lose."""

    calibration: str = field(
        BEST,
        "How the largest value of an int8 activation is chosen; best: all are tried.",
        choices=(BEST, *METHODS),
    )
    calibration_frames: int = field(
        24, "Images of --calibrate, evenly spaced.", minimum=1, maximum=10000
    )
    measured_frames: int = field(
        100, "Images of --val, evenly spaced, for measuring.", minimum=1, maximum=100000
    )
    max_f1_loss: float = field(
        0.02, "Refused if F1 falls by more, on the measured frames.", minimum=0.0, maximum=1.0
    )
    max_shift_px: float = field(
        0.5,
        "Refused if the same landmark's point moves by more, in the median.",
        unit="px",
        minimum=0.0,
        maximum=100.0,
    )


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        precision: ``fp16`` or ``int8``.
        loss: Measured on the frames of ``--val``, in ONNX Runtime; of fp16 with every layer's
            result rounded to fp16, as a GPU has it.
        calibration: Of int8, the method that was chosen; else empty.
        calibration_frames: How many images it saw; 0 of fp16.
        fp32_sha256: Of the model that it was made from.
    """

    precision: str
    loss: Loss
    calibration: str
    calibration_frames: int
    fp32_sha256: str


def convert(
    model: Path,
    out: Path,
    precision: str,
    validation: Sequence[Dataset],
    calibration: Sequence[Dataset] = (),
    settings: PrecisionSettings | None = None,
) -> Converted:
    """Write an exported fp32 model in another precision.

    The input stays uint8 and the outputs stay fp32. What was measured stands under :data:`KEY` in
    the file's metadata.

    Args:
        model: ONNX file of ``dalearn export``, fp32.
        out: The new ONNX file, written whole or not at all.
        precision: ``fp16`` or ``int8``.
        validation: Labelled images on which both models are compared.
        calibration: Of int8: images that show how large activations become.
        settings: Numbers of frames, and bounds.

    Raises:
        InputError: ``out`` is no ``.onnx`` file.
        ModelError: The model cannot be read, is not fp32, has other classes than the datasets, or
            loses more than the bounds allow; nothing is written.
        DatasetError: No image can be read, or the fp32 model finds nothing in them.
    """
    settings = settings or PrecisionSettings()
    check_out(out)
    opened = OnnxBackend(model)
    if opened.info.precision != "fp32":
        raise ModelError.at(model, "", "an fp32 model to convert", opened.info.precision)
    space, takes = opened.metadata.label_space, opened.metadata.input
    frames = Frames(validation, settings.measured_frames, space)
    truth = [frames.truth(row) for row in range(len(frames))]
    before = observe(LandmarkDetector(opened), frames, "measure (fp32)")
    shown = Frames(calibration, settings.calibration_frames, space) if precision == "int8" else None
    best: tuple[Loss, str, onnx.ModelProto] | None = None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "candidate.onnx"
        for method, candidate, judged in _candidates(onnx.load(str(model)), takes, shown, settings):
            onnx.save(judged, str(file))
            after = observe(LandmarkDetector.load(file), frames, f"measure ({precision})")
            loss = loss_between(before, after, truth)
            if best is None or loss.closer_than(best[0]):
                best = loss, method, candidate
    assert best is not None
    loss, method, candidate = best
    _refuse(out, precision, loss, settings)
    digest = sha256_of(model)
    done = Converted(precision, loss, method, len(shown) if shown else 0, digest)
    _write(candidate, done, out)
    return done


def check_out(out: Path) -> None:
    """Raise InputError if the name is not that of an ONNX file."""
    if out.suffix != ".onnx":
        raise InputError.at(out, "", "a file name that ends with .onnx", f"'{out.name}'")


def _candidates(
    model: onnx.ModelProto,
    takes: InputSettings,
    shown: Frames | None,
    settings: PrecisionSettings,
) -> Iterator[tuple[str, onnx.ModelProto, onnx.ModelProto]]:
    """Calibration method (none of fp16), converted model, and the one that is measured for it."""
    if shown is None:
        yield "", to_half(model), as_if_half(model)
        return
    images = shown  # so that the type is known inside the function

    def read(row: int) -> npt.NDArray[np.uint8]:
        return to_input(images.image(row), takes.channels, takes.multiple)

    for method in METHODS if settings.calibration == BEST else (settings.calibration,):
        found = quantised(model, read, len(images), method)
        yield method, found, found


def _refuse(out: Path, precision: str, loss: Loss, settings: PrecisionSettings) -> None:
    if not loss.before.f1 > 0.0:  # NaN too
        raise DatasetError(
            f"{out}: not written, because the fp32 model finds no landmark in the "
            f"{loss.frames} frames of --val: there is nothing to measure by. Give other datasets."
        )
    if loss.f1 <= settings.max_f1_loss and loss.apart.median_px <= settings.max_shift_px:
        return
    raise ModelError(
        f"{out}: not written, because {precision} loses too much: {loss}. Allowed are "
        f"{settings.max_f1_loss:g} of F1 and {settings.max_shift_px:g} px in the median "
        f"(max_f1_loss and max_shift_px of --config)."
    )


def _write(model: onnx.ModelProto, done: Converted, out: Path) -> None:
    entry = model.metadata_props.add()
    entry.key = KEY
    entry.value = json.dumps(plain(dataclasses.asdict(done)), sort_keys=True, allow_nan=False)
    onnx.checker.check_model(model)
    with atomic_file(out) as temporary:
        temporary.write_bytes(model.SerializeToString())
