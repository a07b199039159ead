"""The process in which the recipe runs, as the node ``trainer`` sees it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

MODULE = "dalearn_ros.recipe.worker"
STOPPED = 2  # exit code of a recipe that was asked to stop
LISTEN_S = 5.0


class Worker:
    """Runs the recipe in a session of its own: Ctrl-C in a terminal reaches the node only.

    Args:
        config: Settings file of the recipe.
        out: Its folder.
        first: Stage to begin with.
        last: Stage to end after.
    """

    def __init__(self, config: Path, out: Path, first: str, last: str) -> None:
        self._words = [str(config), str(out), first, last]
        self._child: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._lock = threading.Lock()
        self._progress: dict[str, Any] = {}
        self._failed = self._finished = ""
        self.stopping = False

    def start(self) -> None:
        """Start the process, unless that was done or it is not wanted any more."""
        if self._child is not None or self.stopping:
            return
        reading, writing = os.pipe()
        self._child = subprocess.Popen(
            [sys.executable, "-m", MODULE, *self._words, str(writing)],
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        self._listener = threading.Thread(target=self._listen, args=(reading,), daemon=True)
        self._listener.start()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.poll() is None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come: it was there, or was stopped before it was."""
        return not self.running and (self._child is not None or self.stopping)

    @property
    def progress(self) -> dict[str, Any]:
        """The last :class:`dalearn_ros.recipe.run.Progress`; empty before the first."""
        with self._lock:
            return self._progress

    @property
    def finished(self) -> str:
        """What came out; empty unless it is finished."""
        with self._lock:
            return self._finished

    @property
    def failed(self) -> str:
        """Why it failed; empty while it has not."""
        with self._lock:
            if self._failed or self.running or self._child is None:
                return self._failed
        code = self._child.returncode
        if code == 0 or code == STOPPED or self.stopping:
            return ""
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"the recipe's process ended by {cause}; started again, it goes on."

    def stop(self) -> None:
        """Ask the running stage to save its state and end; returns at once."""
        if self.stopping or self.ended:
            return
        self.stopping = True
        if self._child is not None:
            self._child.send_signal(signal.SIGINT)  # a second one would cut a step in half

    def kill(self) -> None:
        """End the process and its own ones at once; the state is that of the last checkpoint."""
        if self._child is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for its end."""
        if self._child is not None and self._listener is not None:
            self._child.wait()
            self._listener.join(LISTEN_S)

    def _listen(self, reading: int) -> None:
        with os.fdopen(reading, encoding="utf-8") as lines:
            for line in lines:
                content = json.loads(line)
                with self._lock:
                    if "failed" in content:
                        self._failed = content["failed"]
                    elif "finished" in content:
                        self._finished = content["finished"]
                    else:
                        self._progress = content
