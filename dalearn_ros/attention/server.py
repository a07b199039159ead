"""The editor's web server: for one person's browser on this machine unless told otherwise.

Who wants images or maps needs the token of the address that the terminal shows. It stands behind
the address's ``#``, which no browser sends; the page keeps it and sends it in a header. It is no
cookie: those go to every server of the same host, whatever its port.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import threading
from collections.abc import Collection
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dalearn_ros.attention.page_data import Offer
from dalearn_ros.attention.routes import Routes
from dalearn_ros.attention.session import Session
from dalearn_ros.attention.worker import QUIET_S, Worker
from dalearn_ros.core.errors import InputError

PORT = 8470
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
DENIED = "Open the address that 'dalearn edit-attention' printed; it has a token for this run."
OTHER_NAME = "The editor is not asked for under that name: use its number, or --host with the name."


class Guard:
    """Lets only those in who know the token, under a name that is this machine's.

    The page's own files need no token: they are the same on every machine.

    Args:
        app: What it guards.
        token: The secret.
        names: Host names that are this machine's, besides ``localhost`` and all numeric addresses;
            any other name may be another site's that leads here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, token: str, names: Collection[str]) -> None:
        self._app = app
        self._credentials = f"Bearer {token}".encode()
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._answer(scope)
        await (self._app if refusal is None else refusal)(scope, receive, with_headers)

    def _answer(self, scope: Scope) -> Response | None:
        """The answer to a request that goes no further; None: it may."""
        headers = Headers(scope=scope)
        if not self._own_name(headers.get("host", "")):
            return _refused(scope, OTHER_NAME)
        if not _from_own_page(headers, scope["path"]):
            return _refused(scope, "Another page's requests are not answered.")
        if _is_page(scope["path"]):
            return None
        given = headers.get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._credentials):
            return _refused(scope, DENIED)
        return None

    def _own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name.lower() in self._names:
                return True
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class EditorServer:
    """The server with its worker.

    Args:
        session: Model, images and maps.
        host: Address or name to listen on.
        port: 0: any that is free.
        offer: What the page begins with.
        quiet_s: How long nobody must have asked for anything before images are judged.

    Raises:
        InputError: The address cannot be listened on.
    """

    def __init__(
        self, session: Session, host: str, port: int, offer: Offer, quiet_s: float = QUIET_S
    ) -> None:
        self._socket = _listen(host, port)
        self.port = int(self._socket.getsockname()[1])
        self.token = secrets.token_urlsafe(24)
        self._host = host
        self._worker = Worker(session.advance, quiet_s)
        routes = Routes(session, self._worker, offer)
        app = Starlette(routes=routes.table(), exception_handlers={404: _nothing, 500: _failed})
        names = [host, socket.gethostname()]
        guard = Guard(app, self.token, names)
        config = uvicorn.Config(
            guard,
            log_level="error",
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """The address to open, with the token."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
        host = anywhere.get(self._host, f"[{self._host}]" if ":" in self._host else self._host)
        return f"http://{host}:{self.port}/#token={self.token}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return bool(ipaddress.ip_address(self._socket.getsockname()[0]).is_loopback)

    def run(self) -> None:
        """Serve until interrupted."""
        self._worker.start()
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._worker.stop()
            self.close()

    def start(self) -> threading.Thread:
        """Serve in a thread of its own, until :meth:`stop`."""
        thread = threading.Thread(target=self.run, name="editor", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Leave the address, without having served or after it."""
        self._socket.close()

    def stop(self) -> None:
        """End the serving."""
        self._server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{host}, port {port}: cannot be listened on ({reason}).") from None


def _is_page(path: str) -> bool:
    """Whether the page or a file of its is asked for, nothing of a person's."""
    return path == "/" or path.startswith("/page/")


def _from_own_page(headers: Headers, path: str) -> bool:
    """Whether the editor's own page asks, as far as a browser says; other programs say nothing."""
    site = headers.get("sec-fetch-site", "none")
    if path != "/" and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin == f"http://{headers.get('host', '')}"


def _refused(scope: Scope, sentence: str) -> Response:
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": sentence}, 403)
    return Response(sentence, 403, media_type="text/plain")


async def _nothing(request: object, error: Exception) -> Response:
    return JSONResponse({"error": "There is nothing of that name."}, 404)


async def _failed(request: object, error: Exception) -> Response:
    sentence = f"The editor failed ({type(error).__name__}: {error}); your strokes are kept."
    return JSONResponse({"error": sentence}, 500)
