"""Trains and exports YOLO11n-pose; runs in the environment of Ultralytics, never in this project's.

It knows only files: ``benchmarks/side_by_side.py`` writes the crops, a data file and a job, and
reads the ONNX file and the answer. The keypoint tolerance is the data file's ``kpt_oks_sigmas``,
which Ultralytics (8.4 and later) takes for its loss::

    ENV/bin/python benchmarks/yolo_runner.py JOB.json

The job holds ``data``, ``out``, ``onnx``, ``answer``, ``size``, ``batch``, ``rate``, ``mirror``,
``seed``, ``threads``, ``crops``, and either ``minutes`` or ``passes`` (images through the network).
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

MOSAIC_OFF = 0.2  # share of the epochs at the end that learn from crops as they are
MANY_EPOCHS = 100


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train from random weights, export with free image size; what it cost."""
    import torch
    from ultralytics import YOLO, settings  # type: ignore[import-not-found]

    settings.update({"sync": False})
    torch.set_num_threads(job["threads"])
    model = YOLO("yolo11n-pose.yaml")
    counted = {"images": 0, "batches": 0, "epochs": 0}
    started = time.monotonic()

    def batch_end(_: Any) -> None:
        counted["images"] += job["batch"]
        counted["batches"] += 1

    def epoch_end(trainer: Any) -> None:  # with a time limit it now knows how many there will be
        counted["epochs"] += 1
        trainer.args.close_mosaic = max(1, round(MOSAIC_OFF * trainer.epochs))

    epochs = epochs_of(job)
    model.add_callback("on_train_batch_end", batch_end)
    model.add_callback("on_train_epoch_end", epoch_end)
    model.train(
        data=job["data"],
        epochs=epochs,  # with a time limit only the first guess
        time=job["minutes"] / 60.0 if job.get("minutes") else None,
        imgsz=job["size"],
        batch=job["batch"],
        nbs=job["batch"],  # a step for each batch
        optimizer="AdamW",
        lr0=job["rate"],
        fliplr=job["mirror"],
        close_mosaic=max(1, round(MOSAIC_OFF * epochs)),
        warmup_epochs=min(1.0, 0.1 * epochs),
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
    minutes = (time.monotonic() - started) / 60.0
    last = Path(model.trainer.last)
    learnt = YOLO(str(last))
    file = learnt.export(format="onnx", imgsz=job["size"], dynamic=True, simplify=False, nms=False)
    shutil.copyfile(file, job["onnx"])
    parameters = sum(p.numel() for p in learnt.model.parameters())
    sigmas = model.trainer.data.get("kpt_oks_sigmas")
    return {
        **counted,
        "minutes": minutes,
        "parameters": parameters,
        "oks_sigma": sigmas,
        "versions": {"ultralytics": _version(), "torch": torch.__version__},
    }


def epochs_of(job: dict[str, Any]) -> int:
    """Epochs that make the wanted passes; many where time is the limit."""
    if job.get("minutes"):
        return MANY_EPOCHS
    return max(1, round(job["passes"] / job["crops"]))


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
