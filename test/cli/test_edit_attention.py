"""``dalearn edit-attention`` from the command line."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tiny_attention_run import write_attention
from helpers.tiny_depth import write_detector, write_roads

from dalearn_ros.attention.editing import open_session
from dalearn_ros.attention.page_data import Offer
from dalearn_ros.attention.server import EditorServer
from dalearn_ros.attention.teacher_maps import TeacherMap, TeacherMaps
from dalearn_ros.cli.edit_attention import _announce
from dalearn_ros.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, a detector without and one with an attention branch."""
    folder = tmp_path_factory.mktemp("edit")
    write_detector(folder / "detector", write_roads(folder / "roads"))
    write_attention(folder / "model", folder / "detector")
    return folder


def words(work: Path, model: str = "model") -> list[str]:
    paths = ["--model", str(work / model), "--data", str(work / "roads")]
    return ["edit-attention", *paths, "--out", str(work / "edits"), "--no-browser"]


def test_it_serves_until_interrupted_and_says_what_was_written(work: Path) -> None:
    command = [sys.executable, "-m", "dalearn_ros.cli.main", *words(work), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The editor: http://127.0.0.1:")
        port = int(line.rpartition(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as asking:
            asking.sendall(
                b"GET /api/start HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            )
            assert asking.recv(100).startswith(b"HTTP/1.1 403")
        maps = TeacherMaps(work / "edits")
        cells = open_session(work / "model", work / "roads", work / "edits").look(0).view.attention
        about = (160, 96), (160.0, 96.0), "f0.jpg", "hand", "Ada", "2026-01-02T03:04:05Z"
        maps.write(TeacherMap("ab" * 32, cells, *about, {}))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert rest.strip().endswith("edits: 1 corrected maps, 1 of them new.")


def test_a_model_without_a_branch_is_refused(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(work, "detector")) == 1
    assert "no attention branch" in capsys.readouterr().err


def test_a_value_of_the_brush_is_a_share(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words(work), "--add-value", "1.5"]) == 1
    assert "--add-value: expected 0 to 1, found 1.5" in capsys.readouterr().err


def test_a_port_in_use_is_named(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([*words(work), "--port", str(port)]) == 1
    assert f"port {port}: cannot be listened on" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["my..host", ".", "x" * 70])
def test_a_host_name_that_is_none_is_named(
    work: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert main([*words(work), "--host", host]) == 1
    error = capsys.readouterr().err
    assert host in error
    assert "cannot be listened on" in error


def test_a_package_that_is_missing_is_named_with_its_extra(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "dalearn_ros.attention.server")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(words(work)) == 1
    assert "'.[train,edit]'" in capsys.readouterr().err


def test_the_token_is_not_in_the_browsers_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    url = "http://127.0.0.1:1/#token=secret"
    _announce(url, True, False, tmp_path)
    (file,) = tmp_path.iterdir()
    assert opened == [file.as_uri()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"url={url}" in file.read_text()


def test_others_may_look_only_on_purpose(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = open_session(work / "model", work / "roads", work / "edits")
    local, open_ = (EditorServer(session, host, 0, Offer()) for host in ("localhost", "0.0.0.0"))
    assert (local.is_local, open_.is_local) == (True, False)
    assert open_.url.startswith("http://127.0.0.1:")
    _announce(local.url, local.is_local, True, work)
    assert "warning" not in capsys.readouterr().err
    _announce(open_.url, open_.is_local, True, work)
    assert "not encrypted" in capsys.readouterr().err
    local.close()
    open_.close()
