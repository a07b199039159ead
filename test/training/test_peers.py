"""Several processes that learn together, here over gloo."""

from __future__ import annotations

import pytest
import torch
from helpers.processes import run_together
from torch import distributed

from dalearn_ros.core.errors import ModelError, SettingsError
from dalearn_ros.core.shares import part_of
from dalearn_ros.training.peers import ALONE, Peers


def test_parts_are_nearly_equal_and_whole() -> None:
    parts = [list(part_of(10, index, 4)) for index in range(4)]
    assert parts == [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]
    assert list(Peers(1, 2).share(5)) == [2, 3, 4]


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert Peers.of_environment() == ALONE
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert Peers.of_environment() == Peers(rank=3, count=8)
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(SettingsError, match="RANK.*first"):
        Peers.of_environment()


def test_one_process_needs_no_connection() -> None:
    with ALONE.together():
        one = torch.tensor([1.0])
        ALONE.add_up([one])
        assert one.item() == 1.0
        assert ALONE.agree(2.5, True) == (2.5, True)
        assert ALONE.gather("a") == ["a"]
        assert ALONE.first(lambda: 3) == 3


def test_another_process_says_its_own_error_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broadcast(told: list[object], src: int) -> None:
        told[:] = [None, ModelError("the first one's")]

    monkeypatch.setattr(distributed, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: None)
    monkeypatch.setattr(distributed, "broadcast_object_list", broadcast)
    second = Peers(1, 2)
    with pytest.raises(SystemExit), second.together():
        second.first(lambda: None)
    with pytest.raises(SystemExit), second.together():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit) as ended, second.together():
        raise ModelError("its memory is full.")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "dalearn: process 1: its memory is full.\n"
    with pytest.raises(ModelError, match="the first"), Peers(0, 2).together():
        raise ModelError("the first")
    assert capsys.readouterr().err == ""  # the command line says it


def test_two_processes_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(peers: Peers) -> None:
        rank = peers.rank
        kernel = torch.full((2, 3, 2, 2), 1.0 + rank).to(memory_format=torch.channels_last)
        number = torch.tensor(10.0 * rank)
        peers.add_up([kernel, number])
        assert kernel.eq(3.0).all()
        assert number.item() == 10.0
        assert peers.agree(5.25 if rank == 0 else 9.0, rank == 1) == (5.25, True)
        assert peers.gather(f"of {rank}") == ["of 0", "of 1"]
        assert peers.first(lambda: f"from {rank}") == "from 0"

        def fail() -> None:
            raise ModelError("the first one's")

        with pytest.raises(ModelError, match="the first one's"):
            peers.first(fail)

    run_together(monkeypatch, 2, work)
