"""Forked processes that are connected as ``torchrun`` connects them."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable

import pytest

from dalearn_ros.training.peers import Peers


def run_together(
    monkeypatch: pytest.MonkeyPatch, count: int, work: Callable[[Peers], None]
) -> None:
    """Run ``work`` in ``count`` processes with gloo between them; fail if it fails in one."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MASTER_PORT", str(place.getsockname()[1]))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    children = []
    for rank in range(count):
        child = os.fork()
        if child:
            children.append(child)
            continue
        code = 1
        try:
            numbers = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank}
            os.environ.update({name: str(value) for name, value in numbers.items()})
            os.environ["LOCAL_WORLD_SIZE"] = str(count)
            peers = Peers.of_environment()
            with peers.together():
                work(peers)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * count
