"""Batches that other processes prepare, and what goes wrong in these, as sentences."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from dalearn_ros.core.errors import DalearnError

Batch = dict[str, Any]
_KILLED = (
    "training: a process that prepares batches ended unexpectedly, mostly for lack of memory; "
    "lower batch.workers or batch.size. The same command continues from the last checkpoint."
)


def to_device(value: Any, device: torch.device) -> Any:
    """A tensor, or the tensors of a batch, on a device; all else as it is."""
    if isinstance(value, dict):
        return {key: to_device(part, device) for key, part in value.items()}
    return value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value


def batch_loader(batches: Dataset[Batch], workers: int, start: int, stop: int) -> Iterable[Batch]:
    """The batches of the steps start..stop-1, prepared by ``workers`` processes, 0: by this one.

    Batches that are streamed know their steps themselves.
    """
    streamed = isinstance(batches, IterableDataset)
    if workers:
        cv2.setNumThreads(1)  # a worker that inherits OpenCV's pool waits for its threads for ever
    return DataLoader(
        batches,
        batch_size=None,
        sampler=None if streamed else range(start, stop),
        num_workers=workers,
        prefetch_factor=3 if workers else None,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_start_worker if workers else None,
    )


@contextlib.contextmanager
def worker_errors() -> Iterator[None]:
    """What goes wrong in the worker processes, as sentences.

    It belongs around the whole training, because the death of a worker is announced by a signal,
    wherever the trainer is at that moment.

    Raises:
        DalearnError: A worker was killed from outside, mostly for lack of memory, or met images
            that cannot be read.
    """
    usual = sys.unraisablehook

    def without_dead_workers(what: sys.UnraisableHookArgs) -> None:
        if "killed by signal" not in str(what.exc_value):
            usual(what)

    # The signal may also arrive while the loader of a failed training is thrown away, after this
    # block: the hook stays then.
    sys.unraisablehook = without_dead_workers
    try:
        yield
        sys.unraisablehook = usual
    except DalearnError as error:  # a worker's error brings its whole traceback as text
        if "in DataLoader worker" not in str(error):
            raise
        raise type(error)(str(error).rstrip().rpartition("Error: ")[2]) from None
    except RuntimeError as error:
        text = str(error)
        if "exited unexpectedly" not in text and "killed by signal" not in text:
            raise
        raise DalearnError(_KILLED) from None
    except (ConnectionError, EOFError):  # it died while it handed a batch over
        raise DalearnError(_KILLED) from None


def _start_worker(_: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer ends the workers itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # What goes wrong in a batch reaches the trainer by itself; what is left here is the thread that
    # hands over memory, whose connection breaks when the trainer stops in between.
    sys.excepthook = lambda *_: None
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
