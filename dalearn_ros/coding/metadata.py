"""What a model file says about itself: label space, grid, input and decoding.

It is one JSON text under the key :data:`KEY` of the ONNX file's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from dalearn_ros.coding.calibration import FEATURES, Calibration
from dalearn_ros.coding.decode import DecodeSettings
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.location import LOCATION
from dalearn_ros.core.errors import ModelError, SettingsError
from dalearn_ros.core.settings import dump_settings, field, load_settings
from dalearn_ros.landmarks.catalogue import LabelSpace

KEY = "dalearn_ros"
FORMAT = "landmark-detector"
FORMAT_VERSION, DEPTH_VERSION = 2, 3  # those of before do not know what a model with depth takes
ATTENTION_VERSION = 4  # nor those of before this one that a model gives an attention map
READ_VERSIONS = (1, 2, 3, 4)  # 1 knew no calibration
OUTPUTS = ("class_logits", "offset", "log_variance", "log_range")
DEPTH_OUTPUTS = ("log_depth", "log_depth_variance")  # of models with depth, after the others
LOCATION_INPUT = "location"  # that they take beside the image
ATTENTION_OUTPUTS = ("attention",)  # of models with an attention branch, last
SYNTHESES = ("multiply", "add", "residual")  # of features and map: M g, M + g, (1 + M) g (A1)

P = TypeVar("P")


@dataclass(frozen=True)
class InputSettings:
    """How pixels become numbers (D24); the arithmetic stands inside the model."""

    channels: int = field(
        3, "Channels: 3 (blue, green, red) or 1 (grey, infrared).", choices=(1, 3)
    )
    mean: float = field(127.5, "Subtracted from every pixel value.", minimum=0.0, maximum=255.0)
    scale: float = field(1.0 / 64.0, "Multiplied after that.", minimum=1e-4, maximum=1.0)
    multiple: int = field(
        32, "Image sides are padded to multiples of this.", unit="px", choices=(32, 64)
    )


@dataclass(frozen=True)
class DepthMetadata:
    """What a model with depth takes and gives (S3, S8)."""

    location: str = field(LOCATION, "The function that makes its location input.")
    stride: int = field(
        8, "Pixels of the image for a cell of depth.", unit="px", choices=(4, 8, 16)
    )
    least_m: float = field(
        1.0, "The least depth that was taught.", unit="m", minimum=1e-3, maximum=1e3
    )
    greatest_m: float = field(
        100.0, "The greatest depth that was taught.", unit="m", minimum=1e-3, maximum=1e5
    )

    def __post_init__(self) -> None:
        if not self.least_m < self.greatest_m:
            expected, found = f"more than least_m, {self.least_m:g}", f"{self.greatest_m:g}"
            raise SettingsError.at("depth", "greatest_m", expected, found)


@dataclass(frozen=True)
class AttentionMetadata:
    """The attention map that a model gives beside its answers (A1, A9)."""

    stride: int = field(
        8, "Pixels of the image for a cell of the map.", unit="px", choices=(4, 8, 16)
    )
    synthesis: str = field("multiply", "How map and features meet.", choices=SYNTHESES)


@dataclass(frozen=True)
class ModelMetadata:
    """All that decoding needs beside the network's outputs.

    Attributes:
        label_space: Classes and their reference-point rules.
        grid: Subregions and anchor nodes.
        input: Channels and normalisation.
        decoding: Thresholds, chosen on validation data at export.
        training: What it was trained on and how well it did, for people; plain JSON values.
        calibration: Makes the score a probability; None: it is the best vote.
        depth: What its depth takes and gives; None: the model has none.
        attention: What its attention map is; None: the model has none.
    """

    label_space: LabelSpace
    grid: Grid
    input: InputSettings
    decoding: DecodeSettings
    training: Mapping[str, Any]
    calibration: Calibration | None = None
    depth: DepthMetadata | None = None
    attention: AttentionMetadata | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the model's outputs, in their order."""
        return self.asked(depth=True, attention=True)

    def asked(self, depth: bool, attention: bool) -> tuple[str, ...]:
        """The names of the outputs to ask for, in their order.

        Args:
            depth: With those of the depth, if the model has any.
            attention: With the attention map, if the model has one.
        """
        names: tuple[str, ...] = OUTPUTS
        if depth and self.depth is not None:
            names += DEPTH_OUTPUTS
        if attention and self.attention is not None:
            names += ATTENTION_OUTPUTS
        return names

    def to_json(self) -> str:
        """The text that goes into the model file; the same metadata gives the same text."""
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "label_space": self.label_space.to_dict(),
            "label_space_digest": self.label_space.digest,
            "grid": dump_settings(self.grid),
            "input": dump_settings(self.input),
            "decoding": dump_settings(self.decoding),
            "calibration": self.calibration and dump_settings(self.calibration),
            "training": dict(self.training),
        }
        if self.depth is not None:
            content |= {"format_version": DEPTH_VERSION, "depth": dump_settings(self.depth)}
        if self.attention is not None:
            own = dump_settings(self.attention)
            content |= {"format_version": ATTENTION_VERSION, "attention": own}
        return json.dumps(content, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None, source: str) -> ModelMetadata:
        """Read the text back.

        Args:
            text: What stood under :data:`KEY`; None if nothing did.
            source: The file, for the sentence of an error.

        Raises:
            ModelError: The file is a model of another project, of another kind or version, its
                metadata is damaged, or its depth wants another location (S11).
        """
        hint = "Make it with 'dalearn export'."
        if text is None:
            found = "an ONNX file without it"
            raise ModelError.at(source, "", "a landmark detector with its metadata", found, hint)
        try:
            content = json.loads(text)
            kind, version = content["format"], content["format_version"]
        except (ValueError, KeyError, TypeError):
            raise ModelError.at(source, "metadata", "JSON", "something else", hint) from None
        if kind != FORMAT or version not in READ_VERSIONS:
            expected = f"{FORMAT} version {' or '.join(map(str, READ_VERSIONS))}"
            raise ModelError.at(source, "metadata", expected, f"{kind} version {version}", hint)
        try:
            space = LabelSpace.from_dict(content["label_space"], source)
            metadata = cls(
                label_space=space,
                grid=load_settings(Grid, None, content["grid"]),
                input=load_settings(InputSettings, None, content["input"]),
                decoding=load_settings(DecodeSettings, None, content["decoding"]),
                training=content["training"],
                calibration=_calibration(content.get("calibration"), space),
                depth=_part(DepthMetadata, "depth", content),
                attention=_part(AttentionMetadata, "attention", content),
            )
        except (KeyError, TypeError, SettingsError) as error:
            raise ModelError(f"{source}: its metadata is damaged ({error}). {hint}") from None
        if space.digest != content["label_space_digest"]:
            expected = f"label space {content['label_space_digest']}"
            raise ModelError.at(source, "metadata", expected, space.digest, hint)
        if metadata.depth is not None and metadata.depth.location != LOCATION:
            hint = "It was taught with other location channels; teach and export it again."
            expected, found = f"'{LOCATION}'", f"'{metadata.depth.location}'"
            raise ModelError.at(source, "depth.location", expected, found, hint)
        return metadata


def _part(kind: type[P], name: str, content: Mapping[str, Any]) -> P | None:
    """An entry that only some models have."""
    own = content.get(name)
    if own is None:
        return None
    if not isinstance(own, Mapping):
        raise SettingsError(f"the {name} is no mapping")
    return load_settings(kind, None, own)


def _calibration(content: Any, space: LabelSpace) -> Calibration | None:
    if content is None:
        return None
    if not isinstance(content, Mapping):
        raise SettingsError("the calibration is no mapping")
    found = load_settings(Calibration, None, content)
    sizes = len(found.weights), len(found.class_bias)
    if (
        sizes != (len(FEATURES), len(space) - 1)
        or not np.isfinite([*found.weights, *found.class_bias]).all()
    ):
        raise SettingsError("the calibration does not belong to these classes")
    return found
