"""What runs the tasks of a fleet: one interface, tries that are counted, failures that are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from dalearn_ros.core import progress
from dalearn_ros.core.errors import DalearnError
from dalearn_ros.core.faults import FULL, OF_THE_PLACE, numbers_of

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome(Generic[Job, Result]):
    """How a job ended.

    Attributes:
        job: The job.
        result: What the work gave; None if it failed.
        reason: Why it failed, a sentence; empty if it did not.
        tries: How often it was begun.
    """

    job: Job
    result: Result | None
    reason: str
    tries: int


class Engine(Protocol):
    """Runs jobs in other processes; what one job does to its process harms no other."""

    def run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], tries: int
    ) -> Generator[Outcome[Job, Result], None, None]:
        """Each job's outcome, as it ends.

        Args:
            work: Can be pickled. An InputError is final: the same input would fail again, unless
                the disk or network did (:mod:`core.faults`); this, any other error, or the death
                of the process, is tried again. A full disk ends all.
            jobs: Can be pickled.
            tries: How often a job is begun at most.
        """
        ...


@dataclass(frozen=True)
class Answer:
    """What a process says of one try.

    Attributes:
        result: What the work gave.
        reason: Why it failed; empty if it did not.
        final: Another try would end the same way.
        full: A disk is full: another job would end the same way.
    """

    result: Any = None
    reason: str = ""
    final: bool = False
    full: bool = False


@dataclass
class Task:
    """A job and how often it was begun."""

    job: Any
    tries: int = 0


class Todo:
    """Jobs that wait, and those that wait again.

    Args:
        jobs: Taken one by one, so that a list of a million need not be in memory.
        tries: How often each is begun at most.
    """

    def __init__(self, jobs: Iterable[Any], tries: int) -> None:
        self._jobs, self._again, self._tries = iter(jobs), deque[Task](), tries

    def take(self) -> Task | None:
        """The next one, new ones first; None if there is none."""
        new = next(self._jobs, _NONE)
        if new is not _NONE:
            return Task(new)
        return self._again.popleft() if self._again else None

    def settle(self, task: Task, answer: Answer) -> Outcome[Any, Any] | None:
        """The outcome of a job after a try; None if it waits for another one.

        Raises:
            DalearnError: A disk is full.
        """
        if answer.full:
            hint = "Make room; the same command then goes on."
            raise DalearnError(f"fleet: there is no room left. {answer.reason} {hint}")
        task.tries += 1
        if answer.reason and not answer.final and task.tries < self._tries:
            self._again.append(task)
            return None
        return Outcome(task.job, answer.result, answer.reason, task.tries)


def attempt(work: Callable[[Any], Any], job: Any) -> Answer:
    """One try in a worker process: no error leaves it, and it draws no progress bar."""
    progress.hide()
    try:
        return Answer(work(job))
    except Exception as error:  # whatever a bag can break, the others go on
        numbers = numbers_of(error)
        known = isinstance(error, DalearnError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        return Answer(None, reason, known and not numbers & OF_THE_PLACE, bool(numbers & FULL))


_NONE = object()
