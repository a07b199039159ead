"""What networks of different backbones and sizes cost, and what they learn in a short time.

Without options: arithmetic, parameters and latency at 1280x736 in ONNX Runtime, random weights,
the runs of all networks taking turns. With ``--accuracy``: each network learns for some minutes
from small crops, with several seeds, and is judged on whole images. Every finished row of that
part is a file in ``--out``; started again, it goes on with those that are missing.

    python benchmarks/model_sizes.py
    python benchmarks/model_sizes.py --accuracy --data DATASETS --val DATASETS --out out/sizes
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from benchmarks.figures import RESULTS, record
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.network import LandmarkNetwork, merged
from dalearn_ros.detector.regime import build_network
from dalearn_ros.detector.run import train_detector
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.landmarks.catalogue import LabelSpace

SIZE = (1280, 736)
RECIPE = Path(__file__).resolve().parents[1] / "config" / "train_two_cities.yaml"
CANDIDATES: dict[str, dict[str, Any]] = {
    "s, cells of 16 px": {"network": {"size": "s"}, "grid": {"cell_px": 16}},
    "s": {"network": {"size": "s"}},
    "s, cells of 4 px": {"network": {"size": "s"}, "grid": {"cell_px": 4}},
    "s, branches": {"network": {"size": "s", "branches": True}},
    "m": {"network": {"size": "m"}},
    "l": {"network": {"size": "l"}},
    **{
        name: {"network": {"backbone": name, "refine": [1, 2, 2]}}
        for name in (
            "mobilenet_v3_small",
            "mobilenet_v3_large",
            "shufflenet_v2_x1_0",
            "regnet_y_400mf",
            "efficientnet_b0",
            "resnet18",
        )
    },
}
LEARNING = ("s", "s, branches", "m", "mobilenet_v3_small")
FAST: dict[str, Any] = {
    "crops": {"width": 320, "height": 192},
    "batch": {"workers": 0, "threads": 1},
    "loop": {"steps": 100000, "checkpoint_every": 250, "validate_every": 0},
}
NOTE = (
    "1280×736, batch 1, random weights, the runs of all networks taking turns; torchvision's have "
    "the neck and heads of s. Two threads: wall time, the least and the quartiles. One "
    "thread: processor time, the median. "
    "Branches are merged on export, so with them the network costs what it costs without."
)


class _Part(nn.Module):
    """A part of a network as a graph of its own."""

    def __init__(self, network: LandmarkNetwork, part: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.network, self.part = network, part

    def forward(self, image: Tensor) -> Any:
        return self.part(image)


def parts(network: LandmarkNetwork) -> dict[str, Callable[[Tensor], Any]]:
    """The network up to certain points, each a function of the image."""

    def backbone(image: Tensor) -> Any:
        return tuple(network.backbone(network.normalise(image)))

    def bare(image: Tensor) -> Any:
        without = copy.deepcopy(network)
        without.refine = nn.ModuleList(nn.Identity() for _ in network.refine)
        return without.fuse(network.backbone(network.normalise(image)))

    def fused(image: Tensor) -> Any:
        return network.fuse(network.backbone(network.normalise(image)))

    def mixed(image: Tensor) -> Any:
        return network.mix(fused(image))

    def one_head(image: Tensor) -> Any:
        heads = (network.class_head, network.offset_head, network.variance_head, network.range_head)
        kernel = torch.cat([head.weight for head in heads])
        bias = torch.cat([head.bias for head in heads])  # type: ignore[misc]
        found = torch.nn.functional.conv2d(mixed(image), kernel, bias)
        return found.split([head.out_channels for head in heads], 1)

    return {
        "backbone": backbone,
        "+ laterals and enlarging": bare,
        "+ refining convolutions": fused,
        "+ mixing": mixed,
        "+ four heads: all of s": network.heads,
        "(the heads as one, split)": one_head,
    }


def graph(network: LandmarkNetwork, part: Callable[[Tensor], Any]) -> bytes:
    """ONNX of a part."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Part(network, part),
            (torch.zeros(1, 64, 96, 3, dtype=torch.uint8),),
            buffer,  # type: ignore[arg-type]
            input_names=["image"],
            dynamic_axes={"image": {1: "height", 2: "width"}},
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue()


def gigaflop(network: LandmarkNetwork) -> float:
    """Operations of all convolutions at :data:`SIZE`, 10⁹; a multiply-add is two."""
    total = 0

    def count(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        total += 2 * output.numel() * math.prod(module.weight.shape[1:])

    counted = copy.deepcopy(network).to("meta")
    for module in counted.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    counted.heads(torch.zeros(1, SIZE[1], SIZE[0], 3, dtype=torch.uint8, device="meta"))
    return total / 1e9


def take_turns(models: Mapping[str, bytes], threads: int, rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds of every run; wall time, or processor time with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    clock = time.process_time if threads == 1 else time.perf_counter
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (1, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    sessions = {
        name: onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        for name, model in models.items()
    }
    spent: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(rounds + 1):
        for name, session in sessions.items():
            started = clock()
            session.run(None, {"image": image})
            spent[name].append((clock() - started) * 1e3)
    return {name: np.array(values[1:]) for name, values in spent.items()}


def timed(models: Mapping[str, bytes], rounds: int) -> dict[str, dict[str, Any]]:
    """Columns of latency of every model."""
    one, two = take_turns(models, 1, rounds), take_turns(models, 2, rounds)
    rows = {}
    for name in models:
        low, middle, high = np.percentile(two[name], [25, 50, 75])
        rows[name] = {
            "1 thread, ms": float(np.median(one[name])),
            "2 threads, ms": float(middle),
            "least–quartiles": f"{two[name].min():.0f}, {low:.0f}–{high:.0f}",
        }
    return rows


def built(name: str) -> LandmarkNetwork:
    """A candidate with random weights, as it is exported."""
    settings = load_settings(TrainSettings, None, CANDIDATES[name])
    network = merged(build_network(settings, LabelSpace.load(), 0))
    return network.to(memory_format=torch.contiguous_format)


def record_sizes(rounds: int) -> None:
    """Record ``model_sizes``."""
    names = [name for name in CANDIDATES if not CANDIDATES[name]["network"].get("branches")]
    networks = {name: built(name) for name in names}
    found = timed({name: graph(net, net.heads) for name, net in networks.items()}, rounds)
    rows = []
    for name, network in networks.items():
        parameters = sum(p.numel() for p in network.parameters()) / 1e6
        costs = {"parameters, 10⁶": parameters, "GFLOP": gigaflop(network)}
        rows.append({"network": name, **costs, **found[name]})
    record("model_sizes", f"python benchmarks/model_sizes.py --rounds {rounds}", rows, NOTE)


def record_parts(rounds: int) -> None:
    """Record ``model_sizes_parts``, of three times as many runs, for they are short."""
    network = built("s")
    pieces = {name: graph(network, part) for name, part in parts(network).items()}
    found = timed(pieces, 3 * rounds)
    first = found["backbone"]
    rows = [
        {
            "s up to": name,
            **found[name],
            "to backbone, 1 thread": found[name]["1 thread, ms"] / first["1 thread, ms"],
            "2 threads": found[name]["2 threads, ms"] / first["2 threads, ms"],
        }
        for name in pieces
    ]
    record("model_sizes_parts", f"python benchmarks/model_sizes.py --rounds {rounds}", rows, NOTE)


def record_training(rounds: int) -> None:
    """Record ``model_sizes_training``: a step's forward and backward pass, one thread."""
    spent: dict[str, list[float]] = {"s": [], "s, branches": []}
    networks = {
        name: build_network(
            load_settings(TrainSettings, None, CANDIDATES[name]), LabelSpace.load(), 0
        ).train()
        for name in spent
    }
    images = torch.randint(0, 256, (8, 256, 384, 3), dtype=torch.uint8)
    for _ in range(rounds + 1):
        for name, network in networks.items():
            started = time.process_time()
            torch.stack([output.square().mean() for output in network(images)]).sum().backward()
            spent[name].append((time.process_time() - started) * 1e3)
            network.zero_grad()
    middle = {name: float(np.median(values[1:])) for name, values in spent.items()}
    rows = [
        {"network": name, "ms": value, "to s": value / middle["s"]}
        for name, value in middle.items()
    ]
    note = (
        "Forward and backward pass of 8 crops of 384×256 px, processor time of one thread, median."
    )
    command = f"python benchmarks/model_sizes.py --rounds {rounds}"
    record("model_sizes_training", command, rows, note)


def settings_of(name: str, minutes: float, images: int) -> TrainSettings:
    """Of one candidate's short learning: the recipe from random weights, on small crops."""
    changes = {key: dict(value) for key, value in FAST.items()}
    changes["loop"]["max_minutes"] = minutes
    changes["validation"] = {"images": images}
    return load_settings(TrainSettings, RECIPE, {**changes, **CANDIDATES[name]})


def accuracy(
    data: Sequence[Path], val: Sequence[Path], out: Path, minutes: float, seeds: int, images: int
) -> None:
    """Learn what is missing, then record ``model_sizes_accuracy``."""
    train, judge = [Dataset.open(p) for p in data], [Dataset.open(p) for p in val]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in LEARNING}
    for seed in range(1, seeds + 1):
        for name in LEARNING:
            place = out / f"{name.replace(', ', '_').replace(' ', '_')}-{seed}"
            done = place.with_suffix(".json")
            if not done.is_file():
                settings = settings_of(name, minutes, images)
                result, _ = train_detector(train, judge, place, settings, seed)
                write_json(done, {"network": name, "steps": result.steps, **result.figures})
            rows[name].append(json.loads(done.read_text(encoding="utf-8")))
            print(name, seed, rows[name][-1].get("f1"), flush=True)
    measured = json.loads((RESULTS / "model_sizes.json").read_text(encoding="utf-8"))
    costs = {row["network"]: row for row in map(dict, measured["rows"])}
    table = []
    for name, found in rows.items():
        f1 = [row.get("f1", 0.0) for row in found]
        points = [row.get("reference_point_px", math.nan) for row in found]
        cost = costs[name if name in costs else name.partition(",")[0]]
        table.append(
            {
                "network": name,
                "2 threads, ms": cost["2 threads, ms"],
                "1 thread, ms": cost["1 thread, ms"],
                "steps": round(float(np.median([row["steps"] for row in found]))),
                "F1": float(np.mean(f1)),
                "F1 of the seeds": ", ".join(f"{value:.3f}" for value in f1),
                "point, median px": float(np.nanmean(points))
                if np.isfinite(points).any()
                else None,
            }
        )
    note = (
        f"{minutes:g} minutes each on one core from random weights, crops of 320×192 px; F1: mean "
        f"over {seeds} seeds; judged on {images} whole images of drives that it did not learn "
        "from, tolerance 8 px."
    )
    command = "python benchmarks/model_sizes.py --accuracy --data DATASETS --val DATASETS"
    record("model_sizes_accuracy", command, table, note)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12, help="runs of every network")
    parser.add_argument("--accuracy", action="store_true", help="learn and judge instead")
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="datasets to learn from")
    parser.add_argument("--val", type=Path, nargs="+", default=[], help="datasets to judge on")
    parser.add_argument("--out", type=Path, default=Path("out/model_sizes"))
    parser.add_argument("--minutes", type=float, default=4.0, help="of learning, each run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=84, help="whole images to judge on")
    arguments = parser.parse_args()
    if not arguments.accuracy:
        torch.set_num_threads(1)
        record_sizes(arguments.rounds)
        record_parts(arguments.rounds)
        record_training(arguments.rounds)
        return
    if not arguments.data or not arguments.val:
        parser.error("--accuracy needs --data and --val")
    accuracy(
        arguments.data,
        arguments.val,
        arguments.out,
        arguments.minutes,
        arguments.seeds,
        arguments.images,
    )


if __name__ == "__main__":
    main()
