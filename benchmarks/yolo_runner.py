"""Trains and exports YOLO11n-pose; runs in the environment of Ultralytics, never in this project's.

It knows only files: ``benchmarks/side_by_side.py`` writes the crops, a data file and a job, and
reads the ONNX file and the answer. The keypoint tolerance is the data file's ``kpt_oks_sigmas``,
which Ultralytics (8.4 and later) takes for its loss::

    ENV/bin/python benchmarks/yolo_runner.py JOB.json

The learning rate follows the clock, or the passes, from batch to batch, as ours does: by epochs, of
which a short training has few, it would never leave the warm-up. The mosaic ends likewise.

The job holds ``data``, ``out``, ``onnx``, ``answer``, ``size``, ``batch``, ``rate``, ``mirror``,
``seed``, ``threads``, and either ``minutes`` or ``passes`` (images through the network).
"""

from __future__ import annotations

import copy
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

MOSAIC_OFF = 0.2  # share of the training at the end that learns from crops as they are
WARM_UP = 100  # batches, Ultralytics' own least number
LAST_RATE = 0.01  # share of the rate at the end, Ultralytics' default; linear until there
MANY_EPOCHS = 1000  # more than it can do: time or passes end it


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train from random weights, export with free image size; what it cost."""
    import torch
    from ultralytics import YOLO, settings  # type: ignore[import-not-found]

    settings.update({"sync": False})
    torch.set_num_threads(job["threads"])
    model = YOLO("yolo11n-pose.yaml")
    counted = {"images": 0, "batches": 0, "mosaic_off": 0}
    clock = {"start": 0.0, "end": 0.0}

    def share() -> float:
        return share_done(job, counted["images"], time.monotonic() - clock["start"])

    def start(_: Any) -> None:
        clock["start"] = time.monotonic()

    def batch_start(trainer: Any) -> None:
        done, warm = share(), min(1.0, counted["batches"] / WARM_UP)
        rate = job["rate"] * warm * (1.0 - (1.0 - LAST_RATE) * done)
        for group in trainer.optimizer.param_groups:
            group["lr"] = rate
        if done >= 1.0 - MOSAIC_OFF and not counted["mosaic_off"]:
            counted["mosaic_off"] = counted["batches"]
            trainer.train_loader.dataset.close_mosaic(hyp=copy.copy(trainer.args))

    def batch_end(trainer: Any) -> None:
        counted["images"] += job["batch"]
        counted["batches"] += 1
        clock["end"] = time.monotonic()
        trainer.stop = share() >= 1.0

    model.add_callback("on_train_start", start)
    model.add_callback("on_train_batch_start", batch_start)
    model.add_callback("on_train_batch_end", batch_end)
    model.train(
        data=job["data"],
        epochs=MANY_EPOCHS,
        imgsz=job["size"],
        batch=job["batch"],
        nbs=job["batch"],  # a step for each batch
        optimizer="AdamW",
        lr0=job["rate"],
        fliplr=job["mirror"],
        close_mosaic=0,
        warmup_epochs=0.0,
        seed=job["seed"],
        project=job["out"],
        name="run",
        exist_ok=True,
        pretrained=False,
        device="cpu",
        workers=0,
        cache="ram",
        val=False,
        plots=False,
        amp=False,
        verbose=False,
    )
    last = Path(model.trainer.last)
    learnt = YOLO(str(last))
    file = learnt.export(format="onnx", imgsz=job["size"], dynamic=True, simplify=False, nms=False)
    shutil.copyfile(file, job["onnx"])
    parameters = sum(p.numel() for p in learnt.model.parameters())
    sigmas = model.trainer.data.get("kpt_oks_sigmas")
    return {
        **counted,
        "minutes": (clock["end"] - clock["start"]) / 60.0,
        "parameters": parameters,
        "oks_sigma": sigmas,
        "versions": {"ultralytics": _version(), "torch": torch.__version__},
    }


def share_done(job: dict[str, Any], images: int, seconds: float) -> float:
    """How much of the training is done, 0 to 1, by its limit: minutes or passes."""
    if job.get("minutes"):
        return min(1.0, seconds / (60.0 * float(job["minutes"])))
    return min(1.0, images / float(job["passes"]))


def _version() -> str:
    import ultralytics

    return str(ultralytics.__version__)


def main() -> None:
    """Read the job, do it, write the answer."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answer = train(job)
    Path(job["answer"]).write_text(json.dumps(answer, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
