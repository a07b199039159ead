"""The editor's server, and a client of it."""

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
from dalearn_ros.attention.server import EditorServer

TALKATIVE = {  # a detector that has learnt nothing says something all the same
    "score_threshold": 0.01,
    "vote_threshold": 0.001,
    "candidate_threshold": 0.01,
}
ADA = Offer("Ada")


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
        self.port, self.token = server.port, server.token
        self.headers = {"Authorization": f"Bearer {server.token}"}

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
