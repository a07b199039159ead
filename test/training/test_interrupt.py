"""Ctrl-C between two steps."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from dalearn_ros.training.interrupt import Interrupt


def _press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_remembered_and_raised_at_the_check(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:
        interrupt.check()
        _press()
        done = True
        interrupt.check()
    assert done
    assert "once more" in capfd.readouterr().err


def test_the_second_interrupts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupt():
        _press()
        _press()
        pytest.fail("the second one was not raised")


def test_the_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
    with pytest.raises(KeyboardInterrupt), Interrupt():
        _press()
    assert signal.getsignal(signal.SIGINT) == before


def test_one_that_nobody_checked_is_raised_at_the_end() -> None:
    done = False
    with pytest.raises(KeyboardInterrupt), Interrupt():
        _press()
        done = True
    assert done


def test_another_error_goes_before() -> None:
    with pytest.raises(ValueError, match="mine"), Interrupt():
        _press()
        raise ValueError("mine")


def test_repeated_ones_are_remembered_as_one(capfd: pytest.CaptureFixture[str]) -> None:
    done = False
    with pytest.raises(KeyboardInterrupt), Interrupt(repeated=True) as interrupt:
        _press()
        _press()
        done = True
        interrupt.check()
    assert done
    assert capfd.readouterr().err.count("once more") == 1


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            _press()
            interrupt.check()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_is_left_alone() -> None:
    before, found = signal.getsignal(signal.SIGINT), []

    def enter() -> None:
        with Interrupt() as interrupt:
            found.append(signal.getsignal(signal.SIGINT))
            interrupt.check()

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [before]
