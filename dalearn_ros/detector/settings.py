"""All settings of the detector's training in one place; ``config/train.yaml`` shows them."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.coding.decode import DecodeSettings
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import InputSettings
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field
from dalearn_ros.detector.losses import LossSettings
from dalearn_ros.detector.network import NetworkSettings
from dalearn_ros.detector.targets import TargetSettings
from dalearn_ros.training.settings import LoopSettings
from dalearn_ros.training.transforms import ColourSettings, CropSettings

CROP_MULTIPLE = 32


@dataclass(frozen=True)
class BatchSettings:
    """How batches are made."""

    size: int = field(16, "Crops per step.", minimum=1, maximum=4096)
    crops_per_image: int = field(2, "Crops cut from one decoded image.", minimum=1, maximum=64)
    workers: int = field(1, "Processes that prepare batches; 0: none.", minimum=0, maximum=64)
    cache_mb: int | None = field(
        None,
        "Memory for decoded images that the workers share; null: a quarter of what is free.",
        unit="MB",
        minimum=0,
        maximum=100_000_000,
    )
    shuffle: int = field(
        500,
        "Records that each worker keeps in memory to draw from, where the data are shards.",
        minimum=1,
        maximum=10_000_000,
    )
    threads: int = field(0, "Threads of the network; 0: as many as cores.", minimum=0, maximum=256)


@dataclass(frozen=True)
class ValidationSettings:
    """How a network is judged on whole images."""

    images: int = field(120, "At most so many images, evenly spaced.", minimum=1, maximum=1_000_000)
    match_px: float = field(
        8.0, "Largest distance of a hit.", unit="px", minimum=0.1, maximum=1000.0
    )
    map_sigma_m: float = field(
        0.05,
        "Noise of the map that the labels are from, each axis: not the detector's error.",
        unit="m",
        minimum=0.0,
        maximum=10.0,
    )


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `dalearn train`."""

    network: NetworkSettings = field(NetworkSettings, "The network.")
    grid: Grid = field(Grid, "Subregions and anchor nodes.")
    input: InputSettings = field(InputSettings, "Channels and normalisation.")
    targets: TargetSettings = field(TargetSettings, "Which subregions belong to a landmark.")
    loss: LossSettings = field(LossSettings, "The loss.")
    crops: CropSettings = field(CropSettings, "Crops.")
    colours: ColourSettings = field(ColourSettings, "Light and colour.")
    batch: BatchSettings = field(BatchSettings, "Batches.")
    loop: LoopSettings = field(LoopSettings, "Length and rate.")
    decoding: DecodeSettings = field(DecodeSettings, "Decoding, where validation does not choose.")
    validation: ValidationSettings = field(ValidationSettings, "Validation.")


def check_settings(settings: TrainSettings, processes: int) -> None:
    """See that values that must fit together do.

    Args:
        settings: All settings.
        processes: How many learn together.

    Raises:
        SettingsError: The crops are no input of the network, or a process has no crop of a batch.
    """
    for name in ("width", "height"):
        value = getattr(settings.crops, name)
        if value % CROP_MULTIPLE:
            expected = f"a multiple of {CROP_MULTIPLE}, the network's largest stride"
            raise SettingsError.at("settings", f"key 'crops.{name}'", expected, str(value))
    if settings.batch.size < processes:
        expected = f"at least {processes}, one crop for each process"
        found = str(settings.batch.size)
        raise SettingsError.at("settings", "key 'batch.size'", expected, found)
