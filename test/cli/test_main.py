"""The dispatcher: verbs, exit codes, sentences instead of tracebacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from helpers.tiny_model import write_tiny_model

from dalearn_ros.cli import main as cli
from dalearn_ros.core.errors import InputError
from dalearn_ros.training.interrupt import Interrupt

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """The verb ``probe``, whose ``run`` a test replaces."""

    def add_arguments(parser: object) -> None:
        parser.add_argument("--size", type=int)  # type: ignore[attr-defined]

    module = types.SimpleNamespace(
        NAME="probe",
        HELP="looks into things",
        EXAMPLE="dalearn probe --size 3",
        add_arguments=add_arguments,
        run=lambda args: f"size {args.size}",
    )
    monkeypatch.setattr(cli, "verbs", lambda: {"probe": (Path("probe.py"), module.HELP)})
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: module)
    return module


def test_a_verb_runs_and_prints_its_closing_line(
    verb: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["probe", "--size", "4"]) == 0
    assert capsys.readouterr().out == "size 4\n"


def test_help_of_a_verb_shows_its_example(
    verb: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["probe", "--help"]) == 0
    assert "dalearn probe --size 3" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["probe", "--colour", "red"], ["prob"], ["prbe"], []])
def test_wrong_usage_is_2(verb: types.SimpleNamespace, words: list[str]) -> None:
    assert cli.main(words) == 2


def test_an_unknown_verb_names_the_nearest(
    verb: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["prob"])
    assert "Did you mean 'probe'?" in capsys.readouterr().err


def failing(error: BaseException) -> object:
    def run(args: object) -> str:
        raise error

    return run


def test_a_users_mistake_is_one_sentence(
    verb: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.run = failing(InputError("map.osm: there is no such map."))
    assert cli.main(["probe"]) == 1
    assert capsys.readouterr().err == "dalearn: map.osm: there is no such map.\n"
    with pytest.raises(InputError):
        cli.main(["probe", "--debug"])


def test_an_unforeseen_error_has_no_traceback_either(
    verb: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.run = failing(ZeroDivisionError("division by zero"))
    assert cli.main(["probe"]) == 1
    said = capsys.readouterr().err
    assert said == "dalearn: ZeroDivisionError: division by zero. --debug shows where.\n"


def test_a_missing_extra_is_named_with_its_install_line(
    verb: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.run = failing(ModuleNotFoundError("No module named 'torch'", name="torch.nn"))
    assert cli.main(["probe"]) == 1
    said = capsys.readouterr().err
    assert "'torch'" in said
    assert "pip install -e '.[train]' -c constraints.txt" in said


def test_ctrl_c_is_1(verb: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    verb.run = failing(KeyboardInterrupt())
    assert cli.main(["probe"]) == 1
    assert "interrupted" in capsys.readouterr().err


def test_the_overview_lists_every_verb_with_a_line() -> None:
    found = cli.verbs()
    assert {"demo", "world", "label", "evaluate"} <= set(found)
    assert all(help_ and "\n" not in help_ for _, help_ in found.values())
    for name, (path, _) in found.items():
        assert (ROOT / "dalearn_ros/cli" / path.name).is_file()
        assert path.stem.strip("_").replace("_", "-") == name


def test_demo_refuses_a_folder_that_holds_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    assert cli.main(["demo", "--out", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_demo_without_a_loopback_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dalearn_ros.nodes import process

    monkeypatch.setattr(process, "network_fault", lambda: "there is no loopback interface 'lo'.")
    assert cli.main(["demo", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "no loopback interface" in said
    assert "--direct" in said


def test_a_stopped_demo_leaves_nothing(tmp_path: Path) -> None:
    model, out = write_tiny_model(tmp_path / "tiny.onnx"), tmp_path / "demo"
    child = subprocess.Popen(
        [sys.executable, "-m", "dalearn_ros.cli.main", "demo", "--frames", "5000",
         "--out", str(out), "--model", str(model)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 150
    while not out.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=100)[1]
    assert child.returncode == 1, said
    assert said.strip().endswith("dalearn: interrupted; nothing half-written is left behind.")
    assert list(tmp_path.iterdir()) == [model]


def test_sigterm_is_heeded_as_ctrl_c_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert cli.main(["--version"]) == 0  # sets the handler
        with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGTERM)
            assert interrupt.asked  # this step is still done
            interrupt.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
