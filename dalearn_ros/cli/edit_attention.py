"""``dalearn edit-attention``: the attention editor, in the browser."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "edit-attention"
HELP = "correct where a model looks, with a brush in the browser, and keep the corrected maps"
EXAMPLE = "dalearn edit-attention --model run_attention --data dataset --out edits --who Ada"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--model", type=Path, required=True, help="run folder of a model with an attention branch"
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="dataset (what is misrecognised is listed), folder of images, or image",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("edits"),
        help="folder of the corrected maps; one that is there is continued; default: %(default)s",
    )
    parser.add_argument("--who", help="your name, written into the maps; default: the login name")
    parser.add_argument(
        "--erase-value", type=float, default=0.0, help="what Erase sets, 0 to 1; default: 0"
    )
    parser.add_argument(
        "--add-value", type=float, default=1.0, help="what Add sets, 0 to 1; default: 1"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; other than the default: others may reach it, unencrypted",
    )
    parser.add_argument("--port", type=int, help="default: 8470, or any free one if that is in use")
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address, open no browser"
    )


def run(args: argparse.Namespace) -> str:
    """Serve until interrupted; the closing line says what was written."""
    import tempfile

    from dalearn_ros.attention.editing import open_session
    from dalearn_ros.attention.page_data import Offer
    from dalearn_ros.attention.server import PORT, EditorServer
    from dalearn_ros.attention.teacher_maps import TeacherMaps
    from dalearn_ros.core.errors import InputError

    who = args.who or _login_name()
    offer = Offer(who, bool(args.who), args.erase_value, args.add_value)
    session = open_session(args.model, args.data, args.out)
    try:
        server = EditorServer(session, args.host, PORT if args.port is None else args.port, offer)
    except InputError:
        if args.port is not None:
            raise
        server = EditorServer(session, args.host, 0, offer)
    private = tempfile.TemporaryDirectory(prefix="dalearn_edit_")  # mode 0700
    _announce(server.url, server.is_local, args.no_browser, Path(private.name))
    before = set(TeacherMaps(args.out).digests())
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        private.cleanup()
    after = set(TeacherMaps(args.out).digests())
    return f"{args.out}: {len(after)} corrected maps, {len(after - before)} of them new."


def _announce(url: str, is_local: bool, no_browser: bool, private: Path) -> None:
    """Print the address and open it, through a file: all users may read command lines."""
    import os
    import sys
    import webbrowser

    if not is_local:
        print(
            "warning: others on the network can reach this. Who has the address sees the images "
            "and may write maps, and the connection is not encrypted.",
            file=sys.stderr,
        )
    print(f"The editor: {url}\nCtrl-C ends it.", flush=True)
    has_screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if has_screen and not no_browser:
        page = private / "editor.html"
        page.touch(mode=0o600)
        page.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={url}">')
        webbrowser.open(page.as_uri())


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in some containers
        return ""
