"""The processes that learn together, as ``torchrun`` starts them; one process is the plain case."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed

from dalearn_ros.core.errors import DalearnError, SettingsError
from dalearn_ros.core.shares import part_of

Result = TypeVar("Result")
_PATIENCE = datetime.timedelta(hours=6)  # the others wait while the first one validates


class _OfTheFirst(Exception):
    """The cause of an error that the first process raises, too."""


@dataclass(frozen=True)
class Peers:
    """One process among those that learn together.

    Attributes:
        rank: Its number; 0 writes files and speaks.
        count: How many there are.
        local_rank: Its number on this machine.
        local_count: How many there are on this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @classmethod
    def of_environment(cls) -> Peers:
        """As ``torchrun`` says in RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE.

        Raises:
            SettingsError: One of them is no number.
        """
        names = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1}
        try:
            return cls(*(int(os.environ.get(name, value)) for name, value in names.items()))
        except ValueError as error:
            text = ", ".join(names)
            raise SettingsError(f"environment: {text} must be numbers ({error}).") from None

    @property
    def device(self) -> torch.device:
        """This process's GPU if there is one, else the CPU."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", self.local_rank % torch.cuda.device_count())

    @property
    def threads(self) -> int:
        """This process's share of the machine's cores."""
        return max(1, (os.cpu_count() or 1) // self.local_count)

    def share(self, size: int) -> range:
        """This process's part of ``size`` things."""
        return part_of(size, self.rank, self.count)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """The connection between the processes; nothing for one process.

        A process that is not the first leaves where one of them fails, and ``torchrun`` ends all.
        What :meth:`first` raises is the first one's to say; any other error it says itself.
        """
        if self.count == 1:
            yield
            return
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        backend = "nccl" if self.device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, timeout=_PATIENCE)
        try:
            yield
        except (DalearnError, KeyboardInterrupt) as error:
            if not self.rank:
                raise
            if isinstance(error, DalearnError) and not isinstance(error.__cause__, _OfTheFirst):
                print(f"dalearn: process {self.rank}: {error}", file=sys.stderr, flush=True)
            sys.exit(1)
        finally:
            distributed.destroy_process_group()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace float tensors by their sums over the processes, all in one exchange."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        pieces = flat.split([tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.detach().copy_(piece.view(tensor.shape))

    def agree(self, seconds: float, asked: bool) -> tuple[float, bool]:
        """The first process's clock, and whether any process was asked to stop."""
        if self.count == 1:
            return seconds, asked
        values = [0.0 if self.rank else seconds, float(asked)]
        told = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(told)
        clock, asks = told.tolist()
        return float(clock), asks > 0

    def gather(self, value: Result) -> list[Result]:
        """What each process has, in the order of their ranks."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        distributed.all_gather_object(found, value)
        return found

    def first(self, work: Callable[[], Result]) -> Result:
        """Let the first process do something and hand its result to all.

        Raises:
            DalearnError: It failed; every process raises the same sentence.
        """
        if self.count == 1:
            return work()
        told: list[Any] = [None, None]
        if self.rank == 0:
            try:
                told = [work(), None]
            except DalearnError as error:
                told = [None, error]
        distributed.broadcast_object_list(told, src=0)
        if told[1] is not None:
            if self.rank:
                raise told[1] from _OfTheFirst()
            raise told[1]
        return cast(Result, told[0])


ALONE = Peers()
