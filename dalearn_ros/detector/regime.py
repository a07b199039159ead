"""The detector's training regime: batches, loss and validation for the training loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from dalearn_ros.coding.decode import DecodeSettings
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.datasets.shards import Shards
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import calibration_from
from dalearn_ros.detector.losses import LossSettings, landmark_loss
from dalearn_ros.detector.network import LandmarkNetwork, Outputs
from dalearn_ros.detector.samples import CropBatches, split_batch
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.detector.stream import StreamBatches
from dalearn_ros.detector.validation import TorchBackend, observe, summarise
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.loading import Batch, batch_loader
from dalearn_ros.training.peers import ALONE, Peers
from dalearn_ros.training.transforms import CropSettings

CHOSEN = ("score_threshold", "variance_scale", "variance_floor_px2", "range_sigma")


def build_network(settings: TrainSettings, label_space: LabelSpace, seed: int) -> LandmarkNetwork:
    """A network with random weights that depend on the seed alone.

    Its memory is channels-last, which trains faster on a CPU.
    """
    torch.manual_seed(seed)
    network = LandmarkNetwork(settings.network, settings.grid, settings.input, len(label_space))
    return network.to(memory_format=torch.channels_last)


def metadata_of(
    settings: TrainSettings,
    label_space: LabelSpace,
    figures: Mapping[str, float],
    training: Mapping[str, Any],
) -> ModelMetadata:
    """What a trained network says about itself.

    Args:
        settings: Of its training.
        label_space: Its classes.
        figures: Of its validation; the thresholds in them win over the settings, and the
            calibration is among them.
        training: For people.
    """
    chosen = {name: figures[name] for name in CHOSEN if name in figures}
    values = {**dump_settings(settings.decoding), **chosen}
    decoding = load_settings(DecodeSettings, None, values)
    calibration = calibration_from(figures)
    return ModelMetadata(
        label_space, settings.grid, settings.input, decoding, training, calibration
    )


class CropLoss:
    """The loss terms of answers to crops of one size; see :func:`detector.losses.landmark_loss`.

    Args:
        grid: Subregions and nodes.
        crops: Their size.
        loss: Names and numbers.
    """

    def __init__(self, grid: Grid, crops: CropSettings, loss: LossSettings) -> None:
        self._cell_px, self._loss = grid.cell_px, loss
        rows, columns = grid.shape(crops.width, crops.height)
        cells = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centers = grid.centers_px(cells[0].numpy(), cells[1].numpy())
        self._centers = torch.from_numpy(centers).float()
        self._nodes = torch.from_numpy(grid.node_offsets_px / grid.cell_px).float()

    def __call__(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """The terms of answers to the crops of a batch with its targets."""
        device = outputs.class_logits.device
        self._centers, self._nodes = self._centers.to(device), self._nodes.to(device)
        return landmark_loss(
            outputs,
            batch["class_id"],
            (batch["point_px"] - self._centers) / self._cell_px,
            batch["log_range"],
            self._nodes,
            self._cell_px,
            self._loss,
        )


class DetectorTask:
    """Batches, losses and validation of the landmark detector; see :class:`training.loop.Task`.

    Attributes:
        skipped: Images that could not be read so far.
    """

    def __init__(
        self,
        settings: TrainSettings,
        data: Sequence[Dataset] | Sequence[Shards],
        validation: Sequence[Dataset],
        seed: int,
        peers: Peers = ALONE,
    ) -> None:
        self.settings, self.validation = settings, validation
        self._batches: torch.utils.data.Dataset[Batch]
        if isinstance(data[0], Shards):
            shards = cast(Sequence[Shards], data)
            self._batches = StreamBatches(shards, settings, seed, peers)
        else:
            self._batches = CropBatches(cast(Sequence[Dataset], data), settings, seed, peers)
        self.label_space = data[0].label_space
        self.skipped: set[str] = set()
        torch.set_num_threads(settings.batch.threads or peers.threads)
        self._loss_of = CropLoss(settings.grid, settings.crops, settings.loss)

    def batches(self, start: int, stop: int) -> Iterable[Batch]:
        """The batches of the steps start..stop-1."""
        batches = self._batches
        if isinstance(batches, StreamBatches):
            batches = batches.between(start, stop)
        return batch_loader(batches, self.settings.batch.workers, start, stop)

    def parts(
        self, batch: Batch, count: int, device: torch.device
    ) -> Sequence[tuple[Batch, float]]:
        """A batch in parts; see :func:`detector.samples.split_batch`."""
        return split_batch(batch, count, self.settings.batch.size, device)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The loss terms of a batch; see :func:`detector.losses.landmark_loss`."""
        self.skipped.update(batch["skipped"])
        return self._loss_of(network(batch["image"]), batch)

    def describe(self, batch: Batch) -> str:
        """The images of a batch."""
        return "; ".join(batch["names"])

    def validate(self, network: nn.Module) -> dict[str, float]:
        """F1 and thresholds on the validation datasets; empty without any."""
        if not self.validation:
            return {}
        assert isinstance(network, LandmarkNetwork)
        return validate(network, self.settings, self.label_space, self.validation)


def validate(
    network: nn.Module,
    settings: TrainSettings,
    label_space: LabelSpace,
    data: Sequence[Dataset],
) -> dict[str, float]:
    """Figures of a network on whole images; see :func:`detector.validation.summarise`.

    Args:
        network: With ``heads`` as :class:`detector.network.LandmarkNetwork` has it.
        settings: Of its training.
        label_space: Its classes.
        data: Labelled images.
    """
    metadata = metadata_of(settings, label_space, {}, {})
    how = settings.validation
    found = observe(TorchBackend(network, metadata), metadata.decoding, data, how)
    least = metadata.decoding.candidate_threshold
    return summarise(found, how.match_px, least, len(label_space) - 1)
