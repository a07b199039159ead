"""Tasks on a Ray cluster, or on a Ray of this machine's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable

import ray
from ray.exceptions import RayError

from dalearn_ros.core.errors import DalearnError
from dalearn_ros.fleet.engine import Answer, Job, Outcome, Result, Task, Todo, attempt

_AHEAD = 2  # tasks handed to Ray for each that can run: a worker need not wait for the driver


class RayEngine:
    """Jobs as Ray tasks; see :class:`fleet.engine.Engine`.

    All machines of a cluster must see the bags, maps, the model and the folder of the results
    under the same paths, and have this package installed.

    Args:
        threads: Cores that one task takes.
        workers: Tasks at once; None: as many as the cluster's cores allow. Without a cluster
            (``RAY_ADDRESS``) Ray starts on this machine with so many times ``threads`` cores.
    """

    def __init__(self, threads: int, workers: int | None) -> None:
        self.threads, self.workers = threads, workers

    def run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], tries: int
    ) -> Generator[Outcome[Job, Result], None, None]:
        """Each job's outcome, as it ends.

        Raises:
            DalearnError: Ray cannot be started or reached.
        """
        self._connect()
        try:
            yield from self._run(work, jobs, tries)
        finally:
            ray.shutdown()

    def _connect(self) -> None:
        address = os.environ.get("RAY_ADDRESS")
        possible = max(1, len(os.sched_getaffinity(0)) // self.threads)
        own = {"num_cpus": self.threads * (self.workers or possible)}
        try:
            ray.init(
                address=address or "local",
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level="error",
                **({} if address else own),
            )
        except Exception as error:  # Ray raises plain exceptions of many kinds here
            said = str(error).strip().splitlines() or [type(error).__name__]
            where = f"the cluster at {address}" if address else "Ray on this machine"
            raise DalearnError(
                f"fleet: {where} cannot be used ({said[0]}). Without it: --engine local."
            ) from None

    def _run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], tries: int
    ) -> Generator[Outcome[Job, Result], None, None]:
        todo, flight = Todo(jobs, tries), dict[ray.ObjectRef, Task]()
        one_try = ray.remote(num_cpus=self.threads, max_retries=0)(attempt)
        shared = ray.put(work)
        while True:
            while len(flight) < self._at_once() and (task := todo.take()) is not None:
                flight[one_try.remote(shared, task.job)] = task
            if not flight:
                return
            for done in ray.wait(list(flight), num_returns=1)[0]:
                outcome = todo.settle(flight.pop(done), _answer(done))
                if outcome is not None:
                    yield outcome

    def _at_once(self) -> int:
        """A cluster may grow while it works."""
        cores = int(ray.cluster_resources().get("CPU", 1))
        possible = max(1, cores // self.threads)
        if self.workers is not None and self.workers < possible:
            return self.workers
        return _AHEAD * possible


def _answer(done: ray.ObjectRef) -> Answer:
    try:
        found: Answer = ray.get(done)
        return found
    except RayError as error:
        said = str(error).strip().splitlines() or [""]
        return Answer(reason=f"the worker process died ({type(error).__name__}: {said[0]}).")
