"""All settings of depth distillation in one place; ``config/distill.yaml`` shows them."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field
from dalearn_ros.detector.settings import BatchSettings
from dalearn_ros.landmarks.types import DISTANCE_KINDS
from dalearn_ros.training.settings import LoopSettings
from dalearn_ros.training.transforms import ColourSettings, CropSettings

SHARED = ("none", "frozen", "tuned")
STEM_STRIDES = (4, 8)


@dataclass(frozen=True)
class PatchSettings:
    """What a local area is."""

    size_px: int = field(
        64, "Side of a patch as the local model sees it.", unit="px", minimum=16, maximum=256
    )
    focal_px: float = field(
        700.0,
        "Pixels of a patch per radian: patches of all cameras are resampled to it.",
        unit="px/rad",
        minimum=50.0,
        maximum=5000.0,
    )
    border: str = field(
        "pad",
        "Patches that reach out of the image: filled with grey, or not cut.",
        choices=("pad", "skip"),
    )


@dataclass(frozen=True)
class SamplingSettings:
    """Where an unlabelled image is cut into local areas."""

    how: str = field(
        "random",
        "Output cells of the global model: so many at random, or every few along both axes.",
        choices=("random", "grid"),
    )
    per_crop: int = field(48, "Random patches per crop.", minimum=1, maximum=100_000)
    step_cells: int = field(
        4, "Cells from one patch to the next of 'grid'.", unit="cells", minimum=1, maximum=64
    )


@dataclass(frozen=True)
class TruthSettings:
    """Which known distances are learnt from."""

    kinds: tuple[str, ...] = field(DISTANCE_KINDS, f"Of {', '.join(DISTANCE_KINDS)}.")
    draw: str = field(
        "balanced",
        "Which are drawn: kinds as often as each other and rare distances more often than they "
        "occur, or all places alike.",
        choices=("balanced", "even"),
    )
    least_m: float = field(2.0, "Nearer ones are left out.", unit="m", minimum=0.1, maximum=1000.0)
    greatest_m: float = field(
        80.0, "Farther ones are left out.", unit="m", minimum=1.0, maximum=1000.0
    )


@dataclass(frozen=True)
class LocalSettings:
    """The local model, which sees one patch, and its learning."""

    shared: str = field(
        "frozen",
        "Its stem is the detector's and stays so, is the detector's and learns on (then the "
        "global model takes it over), or is its own.",
        choices=SHARED,
    )
    stem_stride: int = field(8, "Up to where the stem reaches.", unit="px", choices=STEM_STRIDES)
    width: int = field(96, "Channels after the stem.", minimum=8, maximum=1024)
    depth: int = field(
        2, "Convolutions at the stem's own stride, before the halving.", minimum=0, maximum=16
    )
    images: int = field(8, "Images per step.", minimum=1, maximum=1024)
    patches: int = field(24, "Patches per image and step.", minimum=1, maximum=4096)
    scale_jitter: float = field(
        0.1,
        "Largest change of a patch's pixels per radian, as exp(+-x); the location says it.",
        minimum=0.0,
        maximum=1.0,
    )
    loop: LoopSettings = field(LoopSettings(steps=2000), "Length and rate.")


@dataclass(frozen=True)
class GlobalSettings:
    """The global model: a head on the detector's features."""

    channels: int = field(48, "Channels of the head.", minimum=8, maximum=512)
    hold_weight: float = field(
        1.0,
        "Holds the features of a stem that learns on ('tuned') at the detector's, so that the "
        "landmarks stay; 0: lets them go.",
        minimum=0.0,
        maximum=1000.0,
    )


@dataclass(frozen=True)
class WeightSettings:
    """What the global model learns from."""

    teacher: float = field(
        1.0, "Difference to the local model; 0: no distillation.", minimum=0.0, maximum=1000.0
    )
    truth: float = field(
        0.0, "Known distances of --data; 0: none is looked at.", minimum=0.0, maximum=1000.0
    )
    variance: float = field(0.1, "Weight of the variance's loss.", minimum=0.0, maximum=100.0)
    uncertainty: bool = field(
        True, "Weigh each patch by how certain the local model is: s² / (s² + variance)."
    )
    sigma: float = field(
        0.3,
        "s above, of the logarithm of the distance: a teacher this uncertain counts half.",
        minimum=1e-3,
        maximum=10.0,
    )


@dataclass(frozen=True)
class JudgeSettings:
    """How both models are judged on images with known distances."""

    images: int = field(40, "At most so many images, evenly spaced.", minimum=1, maximum=1_000_000)
    places: int = field(300, "At most so many places in each.", minimum=1, maximum=1_000_000)


@dataclass(frozen=True)
class DistillSettings:
    """Settings of `dalearn distill`."""

    location: bool = field(
        True, "Tell both models the viewing ray and the scale of a place, or neither."
    )
    patch: PatchSettings = field(PatchSettings, "Local areas.")
    sampling: SamplingSettings = field(SamplingSettings, "Which local areas of an image.")
    truth: TruthSettings = field(TruthSettings, "Known distances.")
    local: LocalSettings = field(LocalSettings, "The local model.")
    whole: GlobalSettings = field(GlobalSettings, "The global model.")
    weights: WeightSettings = field(WeightSettings, "The global model's losses.")
    crops: CropSettings = field(
        CropSettings(scale_jitter=0.3),
        "Crops of the global model; mirrored ones keep their location.",
    )
    colours: ColourSettings = field(ColourSettings, "Light and colour, of both models' images.")
    batch: BatchSettings = field(
        BatchSettings(size=8), "Batches; the size is that of the global model's."
    )
    loop: LoopSettings = field(
        LoopSettings(learning_rate=0.003), "Length and rate of the distillation: a head's."
    )
    judge: JudgeSettings = field(JudgeSettings, "Judgement.")
