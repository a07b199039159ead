"""The HTTP interface of the editor's page: its files, its start, the queue, and the images."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dalearn_ros.attention.image_routes import ImageRoutes
from dalearn_ros.attention.page_data import Offer, entry_json, start_json
from dalearn_ros.attention.queue import ALL, Filter
from dalearn_ros.attention.requests import Refused
from dalearn_ros.attention.session import Session
from dalearn_ros.attention.worker import OutdatedError, Worker
from dalearn_ros.core.errors import DatasetError, InputError

Handler = Callable[[Request], Awaitable[Response]]
MEDIA = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
ROWS = 200  # of the queue at once


class Routes:
    """Answers the page's requests.

    Args:
        session: Model, images and maps.
        worker: Does what computes.
        offer: What the page begins with.
    """

    def __init__(self, session: Session, worker: Worker, offer: Offer) -> None:
        self._session, self._offer = session, offer
        self._images = ImageRoutes(session, worker)
        self._files = page_files()

    def table(self) -> list[Route]:
        """Addresses and what answers them."""
        image, images = "/api/images/{index}", self._images
        rows: list[tuple[str, str, Handler]] = [
            ("GET", "/", self.page),
            ("GET", "/page/{name}", self.page),
            ("GET", "/api/start", self.start),
            ("GET", "/api/queue", self.queue),
            ("GET", image, images.image),
            ("GET", image + "/picture", images.picture),
            ("GET", image + "/maps/{name}", images.map),
            ("POST", image + "/answer", images.answer),
            ("POST", image + "/drawn", images.drawn),
            ("POST", image + "/edit", images.save),
        ]
        return [Route(path, _guarded(do), methods=[method]) for method, path, do in rows]

    async def page(self, request: Request) -> Response:
        """The page and its files; no others."""
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            raise Refused(404, "The page has no such file.")
        media = MEDIA[name.rpartition(".")[2]]
        return Response(self._files[name], media_type=media)

    async def start(self, request: Request) -> Response:
        """What holds for the whole session."""
        return JSONResponse(start_json(self._session, self._offer))

    async def queue(self, request: Request) -> Response:
        """The images that a filter takes, from ``from`` on, and how far the judging is."""
        values = request.query_params
        number = values.get("class", "")
        try:
            wanted = Filter(
                values.get("branch", ALL),
                values.get("error", ""),
                int(number) if number else None,
                float(values.get("below", "1")),
                values.get("edits", ALL),
                values.get("order", "score"),
            )
            first = max(0, int(values.get("from", "0")))
        except ValueError:
            expected = "whole numbers for 'class' and 'from', a number for 'below'"
            raise Refused(400, f"The queue's filter: expected {expected}.") from None
        return JSONResponse(await asyncio.to_thread(self._rows, wanted, first))

    def _rows(self, wanted: Filter, first: int) -> dict[str, Any]:
        queue, edited = self._session.queue, set(self._session.maps.digests())
        found = queue.select(wanted, edited)
        shown = found[first : first + ROWS]
        problems = queue.problems()
        return {
            "rows": [entry_json(entry, entry.digest in edited) for entry in shown],
            "from": first,
            "matching": len(found),
            "counts": queue.counts(edited).__dict__,
            "problems": [entry_json(entry, False) for entry in problems[:ROWS]],
            "problem_count": len(problems),
        }


def page_files() -> dict[str, bytes]:
    """The page's files by name."""
    folder = resources.files("dalearn_ros.attention") / "page"
    known = (file for file in folder.iterdir() if file.name.rpartition(".")[2] in MEDIA)
    return {file.name: file.read_bytes() for file in known}


def _guarded(handler: Handler) -> Handler:
    """What a handler raises becomes a status and a sentence."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            return JSONResponse({"error": str(error)}, error.status)
        except (OutdatedError, asyncio.CancelledError):  # cancelled as the server ends
            return JSONResponse({"error": "The editor is ending."}, 503)
        except DatasetError as error:
            return JSONResponse({"error": str(error)}, 404)
        except InputError as error:
            return JSONResponse({"error": str(error)}, 400)
        except ClientDisconnect:
            return Response(status_code=400)

    return guarded
