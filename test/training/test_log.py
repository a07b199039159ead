"""What a run writes about itself."""

import json
import threading

import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.training.log import HISTORY, RunLog


def test_history_and_board(tmp_path):
    log = RunLog(tmp_path)
    log.losses(3, 1.5, {"total": 2.0, "odd": float("nan")})
    log.figures(3, 1.5, {})
    log.figures(4, 2.0, {"f1": 0.25})
    log.close()
    rows = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert rows == [
        {"kind": "loss", "step": 3, "seconds": 1.5, "total": 2.0, "odd": None},
        {"kind": "validation", "step": 4, "seconds": 2.0, "f1": 0.25},
    ]
    assert any((tmp_path / "tensorboard").iterdir())


def test_a_resumed_run_appends(tmp_path):
    for step in (1, 2):
        log = RunLog(tmp_path)
        log.losses(step, 0.0, {"total": 1.0})
        log.close()
    assert (tmp_path / HISTORY).read_text().count("\n") == 2


def test_a_full_disk_is_a_sentence(tmp_path):
    (tmp_path / HISTORY).symlink_to("/dev/full")
    log = RunLog(tmp_path)
    with pytest.raises(InputError, match=r"history\.jsonl: cannot be written \(No space left"):
        log.losses(1, 0.0, {"total": 1.0})
    with pytest.raises(InputError, match="cannot be written"):
        log.close()  # what could not be written is still pending


def test_the_boards_thread_says_nothing_about_a_full_disk(tmp_path, capsys):
    before = threading.excepthook
    log = RunLog(tmp_path)

    def run(error):
        def fail():
            raise error

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()

    run(OSError(28, "No space left on device"))
    assert capsys.readouterr().err == ""
    log.close()
    assert threading.excepthook is before
