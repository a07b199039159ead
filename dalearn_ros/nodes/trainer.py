"""ROS node: runs the recipe of ``dalearn learn`` and tells how far it is.

The work is done in a process of its own. The service ``~/stop``, SIGINT and SIGTERM let the running
stage save its state; started again with the same parameters, it goes on.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from std_srvs.srv import Trigger

from dalearn_ros.core.errors import DalearnError, InputError
from dalearn_ros.core.settings import field
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.diagnostics import PERIOD_S
from dalearn_ros.nodes.trainer_worker import Worker
from dalearn_ros.recipe.settings import STAGES

LOOK_S = 0.1
LAST_WORD_S = 2.0


@dataclass(frozen=True)
class TrainerNodeSettings:
    """Parameters of the node ``trainer``."""

    config: str = field("", "Settings file of the recipe: bags, maps and stages.")
    out: str = field("learnt", "Folder of the recipe; the same recipe in it goes on.")
    from_stage: str = field(
        STAGES[0], "Stages before it are taken as they were left.", choices=STAGES
    )
    until_stage: str = field(STAGES[-1], "Stages after it are left out.", choices=STAGES)


class TrainerNode(process.CleanCalls, Node):
    """Starts the recipe and publishes its progress until it ends."""

    def __init__(self) -> None:
        super().__init__("trainer")
        settings = parameters.declare(self, TrainerNodeSettings)
        config = Path(settings.config)
        if not settings.config or not config.is_file():
            found = f"'{settings.config}'" if settings.config else "nothing"
            raise InputError.at("parameter 'config'", "", "the settings file of a recipe", found)
        self._said = ("", "")
        self._progress = self.create_publisher(DiagnosticStatus, "~/output/progress", qos.latched())
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.results())
        self.create_service(Trigger, "~/stop", self._on_stop)
        self._worker = Worker(config, Path(settings.out), settings.from_stage, settings.until_stage)
        self.out = settings.out
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(LOOK_S, self._look, clock=steady)
        self.create_timer(PERIOD_S, self._diagnose, clock=steady)

    @property
    def finished(self) -> bool:
        """Whether the recipe has ended, in whatever way."""
        return self._worker.ended

    def stop(self) -> None:
        """Let the running stage save its state; the node answers until it has."""
        self._worker.stop()

    def kill(self) -> None:
        """End the recipe at once."""
        self._worker.kill()

    def destroy_node(self) -> None:
        """Leave no recipe behind."""
        self._worker.stop()
        self._worker.wait()
        super().destroy_node()

    def finish(self) -> None:
        """Say how the recipe ended.

        Raises:
            DalearnError: The recipe failed.
        """
        self._worker.stop()
        self._worker.wait()
        self._tell()
        self._diagnose()
        self._progress.wait_for_all_acked(Duration(seconds=LAST_WORD_S))
        if self._worker.failed:
            raise DalearnError(self._worker.failed)
        end = self._worker.finished or "stopped; started again with the same parameters, it goes on"
        print(f"{self.out}: {end}")

    def _on_stop(self, request: Any, response: Any) -> Any:
        if self._worker.ended:
            response.message = self._worker.failed or self._worker.finished or "it has ended"
        elif self._worker.stopping:
            response.message = "it is stopping already"
        else:
            self._worker.stop()
            response.success = True
            response.message = f"the running stage saves its state in {self.out}"
        return response

    def _look(self) -> None:
        """Start the recipe, once the node's parameters were checked, and tell how far it is."""
        self._worker.start()
        self._tell()

    def _tell(self) -> None:
        """Publish the progress if there is something new."""
        status = self._status()
        said = status.message, str([(item.key, item.value) for item in status.values])
        if said != self._said:
            self._said = said
            self._progress.publish(status)

    def _diagnose(self) -> None:
        message = DiagnosticArray(status=[self._status()])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _status(self) -> DiagnosticStatus:
        worker = self._worker
        now = worker.progress
        level, text = DiagnosticStatus.OK, "starting"
        if now:
            text = (
                f"{now['step']} ({now['number']} of {now['steps']}): {now['said'] or now['state']}"
            )
        if worker.finished:
            text = worker.finished
        elif worker.failed:
            level, text = DiagnosticStatus.ERROR, worker.failed
        elif worker.stopping:
            level = DiagnosticStatus.WARN
            text = "stopping: the running stage saves its state" if worker.running else "stopped"
        status = DiagnosticStatus(
            level=level,
            name=self.get_fully_qualified_name(),
            message=text,
            hardware_id="dalearn_ros",
        )
        known = {key: value for key, value in now.items() if value not in (None, "")}
        status.values = [KeyValue(key=key, value=str(value)) for key, value in known.items()]
        return status


def main() -> int:
    """Entry point of ``trainer``."""
    return process.run(TrainerNode)


if __name__ == "__main__":
    sys.exit(main())
