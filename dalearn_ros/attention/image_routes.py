"""What the editor's page asks about one image. Maps travel as little-endian float32, row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dalearn_ros.attention.import_maps import drawn_cells
from dalearn_ros.attention.page_data import changed_json, edit_json, image_json
from dalearn_ros.attention.requests import (
    TEXT,
    Refused,
    read_base64,
    read_body,
    read_json,
    read_map,
    read_text,
)
from dalearn_ros.attention.saved_maps import fits, resampled
from dalearn_ros.attention.seen import Seen
from dalearn_ros.attention.session import Session
from dalearn_ros.attention.teacher_maps import DamagedMap, EditConflict
from dalearn_ros.attention.worker import OutdatedError, Worker
from dalearn_ros.core.errors import InputError

Array = npt.NDArray[np.float32]
Result = TypeVar("Result")
JSON_BYTES = 16 << 10  # of a request besides its map
DRAWN_BYTES = 64 << 20  # of the file of a map drawn elsewhere


class ImageRoutes:
    """Answers what is asked about the image of the number in the address.

    Args:
        session: Model, images and maps.
        worker: Does what computes.
    """

    def __init__(self, session: Session, worker: Worker) -> None:
        self._session, self._worker = session, worker

    async def image(self, request: Request) -> Response:
        """All about an image but its picture and its maps."""
        index, session = self._index(request), self._session
        return JSONResponse(await self._do(lambda: image_json(session, session.look(index))))

    async def picture(self, request: Request) -> Response:
        """The image, as JPEG or PNG, at most 3072 pixels long."""
        seen = await self._look(request)
        return Response(seen.picture, media_type=seen.media)

    async def map(self, request: Request) -> Response:
        """The map ``branch``, ``proposal`` or ``edit``; ``?resample=1`` fits one of other cells."""
        index, name = self._index(request), request.path_params["name"]
        resample = request.query_params.get("resample") == "1"
        found = await self._do(lambda: self._map(self._session.look(index), name, resample))
        return Response(_bytes_of(found), media_type="application/octet-stream")

    async def answer(self, request: Request) -> Response:
        """The answer under the map in the body; 204 if a newer request has taken its place."""
        index, session = self._index(request), self._session
        tab = request.query_params.get("tab", "")[:64]
        seen = await self._look(request)
        cells = read_map(await read_body(request, seen.view.attention.nbytes), seen)

        def work() -> Any:
            now = session.look(index)
            _same(now, request.query_params.get("digest", now.digest))
            return changed_json(session, now, session.answer(now, cells))

        try:
            return JSONResponse(await self._do(work, f"answer {tab}" if tab else ""))
        except OutdatedError:
            return Response(status_code=204)

    async def drawn(self, request: Request) -> Response:
        """The cells of the picture in the body, a map drawn elsewhere; ``?name=`` of its file."""
        seen = await self._look(request)
        name = request.query_params.get("name", "")[:TEXT] or "the picture"
        sent = await read_body(request, DRAWN_BYTES)
        rows, columns = seen.view.attention.shape
        found = await asyncio.to_thread(
            drawn_cells, sent, name, seen.size_px, (rows, columns), seen.covered_px
        )
        return Response(_bytes_of(found), media_type="application/octet-stream")

    async def save(self, request: Request) -> Response:
        """Write the corrected map in the body.

        409 with what is there if somebody else wrote or deleted it; 412 if the image's file has
        changed or the map there is damaged: the image is to be opened anew.
        """
        index, session = self._index(request), self._session
        seen = await self._look(request)
        sent = read_json(await read_body(request, 2 * seen.view.attention.nbytes + JSON_BYTES))
        cells = read_map(read_base64(sent.get("map")), seen)
        who, note = read_text(sent, "who"), read_text(sent, "note")
        revision, digest = sent.get("revision"), read_text(sent, "digest")
        imported = sent.get("imported", False)
        if not isinstance(imported, bool):
            raise Refused(400, "'imported': expected true or false.")
        if imported and not note.strip():
            raise Refused(400, "A map from elsewhere needs a note that says where it is from.")
        if isinstance(revision, bool) or not isinstance(revision, int) or revision < 0:
            raise Refused(400, "'revision': expected a whole number, 0 or more.")
        if not who.strip():
            raise Refused(400, "A corrected map needs the name of who made it; write yours.")

        def work() -> Response:
            now = session.look(index)
            _same(now, digest)
            try:
                written = session.save(now, cells, who, note, revision, imported)
            except EditConflict as error:
                there = edit_json(session, now, session.edit(now))
                return JSONResponse({"error": str(error), "edit": there}, 409)
            except DamagedMap as error:
                return JSONResponse({"error": f"Not saved: {error}"}, 412)
            except InputError as error:
                return JSONResponse({"error": f"Not saved: {error}"}, 500)
            return JSONResponse({"edit": edit_json(session, now, written)})

        return await self._do(work)

    def _map(self, seen: Seen, name: str, resample: bool) -> Array:
        session = self._session
        if name == "branch":
            return seen.view.attention
        if name == "proposal":
            proposal = session.proposal(seen)
            if proposal is None:
                raise Refused(404, "The image has no labels with a place; nothing to propose.")
            return proposal
        if name != "edit":
            raise Refused(404, "There are the maps 'branch', 'proposal' and 'edit'.")
        edit = session.edit(seen)
        if edit is None:
            raise Refused(404, "The image has no corrected map.")
        if fits(seen, edit):
            return edit.attention
        if not resample:
            cells, ours = edit.attention.shape, seen.view.attention.shape
            sentence = f"The corrected map has {cells} cells, this model's map {ours}."
            raise Refused(409, f"{sentence} Ask for it resampled.")
        return resampled(seen, edit)

    async def _look(self, request: Request) -> Seen:
        index = self._index(request)
        return await self._do(lambda: self._session.look(index))

    async def _do(self, work: Callable[[], Result], kind: str = "") -> Result:
        return await asyncio.wrap_future(self._worker.submit(work, kind))

    def _index(self, request: Request) -> int:
        text = request.path_params["index"]
        index = int(text) if text.isdecimal() and len(text) < 10 else len(self._session.pictures)
        if index >= len(self._session.pictures):
            raise Refused(404, "There is no image of that number.")
        return index


def _bytes_of(cells: Array) -> bytes:
    return np.ascontiguousarray(cells, "<f4").tobytes()


def _same(seen: Seen, digest: str) -> None:
    if seen.digest != digest:
        raise Refused(412, "The image's file has changed meanwhile; open the image anew.")
