"""Run folders with a new attention branch, and the editor's server on them."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.attention.editing import open_session
from dalearn_ros.attention.page_data import Offer
from dalearn_ros.attention.run import LANDMARK_FORMAT, start_landmark_run
from dalearn_ros.attention.server import EditorServer
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.core.files import write_json
from dalearn_ros.training.checkpoint import Checkpoint, save_checkpoint
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import RUN_FILE

TALKATIVE = {  # a detector that has learnt nothing says something all the same
    "score_threshold": 0.01,
    "vote_threshold": 0.001,
    "candidate_threshold": 0.01,
}
ADA = Offer("Ada")


def write_attention_run(
    path: Path, start: Path, decoding: Mapping[str, float] | None = None, **branch: Any
) -> Path:
    """The run folder ``path``: the detector of the run ``start`` with a new branch."""
    settings = BranchSettings(**branch)
    run = start_landmark_run(start, settings, 3)
    values = dict(run.description["settings"])
    values["decoding"] = {**values["decoding"], **(decoding or {})}
    description = {
        **run.description,
        "format": LANDMARK_FORMAT,
        "settings": values,
        "branch": settings.__dict__,
    }
    path.mkdir()
    write_json(path / RUN_FILE, description)
    groups = {"network": run.network.state_dict()}
    save_checkpoint(path / WEIGHTS, Checkpoint(groups, {"step": 0}))
    return path


@contextlib.contextmanager
def editor(
    model: Path, data: Path, edits: Path, port: int = 0, offer: Offer = ADA
) -> Iterator[EditorServer]:
    """A running server."""
    server = EditorServer(open_session(model, data, edits), "127.0.0.1", port, offer, 0.05)
    thread = server.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


class Client:
    """Talks to the server as a program does, every header as it wants."""

    def __init__(self, server: EditorServer) -> None:
        self.port = server.port
        self.headers = {"Cookie": f"dalearn_edit_{server.port}={server.token}"}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Status, body and headers of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            found = connection.getresponse()
            return found.status, found.read(), found.headers
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """What a GET answers."""
        status, body, _ = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def cells(self, path: str, shape: tuple[int, int]) -> np.ndarray:
        """A map (h, w)."""
        status, body, _ = self.ask("GET", path)
        assert status == 200, body
        return np.frombuffer(body, "<f4").reshape(shape)
