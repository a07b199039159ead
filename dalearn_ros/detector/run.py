"""A run folder of the detector: settings, checkpoint, weights, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.datasets.shards import Shards
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.network import NEW_PARTS, LandmarkNetwork
from dalearn_ros.detector.regime import DetectorTask, build_network
from dalearn_ros.detector.samples import check_label_spaces
from dalearn_ros.detector.settings import TrainSettings, check_settings
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.checkpoint import load_checkpoint, load_weights
from dalearn_ros.training.loading import worker_errors
from dalearn_ros.training.loop import WEIGHTS, Trainer, TrainResult
from dalearn_ros.training.peers import ALONE, Peers
from dalearn_ros.training.run_folder import FORMAT_VERSION, RUN_FILE, claim_run
from dalearn_ros.training.run_reading import described_run, finished_weights, reading_of

RUN_FORMAT = "landmark-detector run"
OF_THE_START = ("network", "grid", "input", "targets", "decoding")
S = TypeVar("S", bound=TrainSettings)


@dataclass(frozen=True)
class Run:
    """A finished or interrupted run.

    Attributes:
        path: Its folder.
        settings: Of its training.
        label_space: Its classes.
        network: With the run's averaged weights.
        header: Step, minutes and figures of the weights.
        description: Seed and data, for people.
    """

    path: Path
    settings: TrainSettings
    label_space: LabelSpace
    network: LandmarkNetwork
    header: Mapping[str, Any]
    description: Mapping[str, Any]


def train_detector(
    data: Sequence[Dataset] | Sequence[Shards],
    validation: Sequence[Dataset],
    run: Path,
    settings: TrainSettings,
    seed: int,
    init: Path | None = None,
    peers: Peers = ALONE,
) -> tuple[TrainResult, set[str]]:
    """Train, or go on with the run that is in the folder.

    Args:
        data: What to learn from, in one of the two forms.
        validation: What to judge and choose thresholds on; may be empty.
        run: The folder. A run with the same settings, data and seed in it is continued.
        settings: All settings.
        seed: Seed of weights, crops and order.
        init: A run folder or weights file to start from. Where the network has refining
            convolutions, features of stride 4 or branches that the weights lack, it starts as the
            network without them.

    Returns:
        How it ended, and the images that could not be read.

    Raises:
        InputError: The folder holds something else, or a run that differs; the difference is named.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that do not fit together.
        DalearnError: A process that prepares batches was killed.
    """
    check_settings(settings, peers.count)
    check_label_spaces([*data, *validation])
    space = data[0].label_space
    description = {
        "format": RUN_FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": dump_settings(settings),
        "label_space": space.to_dict(),
        "seed": seed,
        "init": None if init is None else str(init),
        "data": [{"path": str(d.path), "images": len(d)} for d in data],
        "validation": [{"path": str(d.path), "images": len(d)} for d in validation],
    }
    if isinstance(data[0], Shards):  # each process reads its own part of them
        description["processes"] = peers.count
    network = build_network(settings, space, seed)
    if init is not None:
        path = init / WEIGHTS if init.is_dir() else init
        weights = dict(load_checkpoint(path).groups.get("network", {}))
        load_weights(network, weights, path, new=NEW_PARTS)
    with peers.together(), worker_errors():
        task = DetectorTask(settings, data, validation, seed, peers)
        peers.first(lambda: claim_run(run, description))
        network = network.to(peers.device)
        result = Trainer(network, task, settings.loop, run, peers, seed).run()
        return result, set().union(*peers.gather(task.skipped))


def settings_from(
    kind: type[S], init: Path, config: Path | None, overrides: Mapping[str, Any] | None = None
) -> S:
    """Settings of a stage that goes on from a start: those of :data:`OF_THE_START` are the start's,
    where it is a run folder.

    Args:
        kind: Class of the settings.
        init: Run folder or weights of the start.
        config: Their file; None takes the defaults.
        overrides: Values that win over the file, but not over the start's.

    Raises:
        SettingsError: A settings file that cannot be used.
        ModelError: ``init`` is a folder, but no finished run.
    """
    if not init.is_dir():
        return load_settings(kind, config, overrides)
    values = dump_settings(open_run(init).settings)
    own = {name: values[name] for name in OF_THE_START}
    return load_settings(kind, config, {**(overrides or {}), **own})


def open_run(path: Path) -> Run:
    """Open a run folder with its averaged weights.

    Raises:
        ModelError: Not a run folder, no weights yet, or damaged.
    """
    hint = "Give the --out folder of 'dalearn train'."
    other = "This stage learns a detector without an attention branch; give the run before it."
    description = described_run(path, RUN_FORMAT, hint, other)
    with reading_of(path):
        settings = load_settings(TrainSettings, None, description["settings"])
        space = LabelSpace.from_dict(description["label_space"], str(path / RUN_FILE))
    checkpoint = finished_weights(path, "train")
    network = build_network(settings, space, 0)
    load_weights(network, dict(checkpoint.groups.get("network", {})), path / WEIGHTS)
    return Run(path, settings, space, network.eval(), checkpoint.header, description)
