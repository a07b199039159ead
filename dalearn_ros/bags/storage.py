"""Messages of a rosbag2 (mcap or sqlite3, folder or file), with sentences for what is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from dalearn_ros.core.closing import Closing
from dalearn_ros.core.errors import BagError

SUFFIXES = (".mcap", ".db3")


class RawMessage(NamedTuple):
    """One message as it lies in the bag: topic, type, time of receipt, CDR bytes."""

    topic: str
    kind: str
    log_ns: int
    cdr: bytes


class Bag(Closing):
    """A bag opened for reading; a context manager.

    Args:
        path: A bag folder, or one ``.mcap`` or ``.db3`` file.

    Attributes:
        path: As given.
        topics: Topic → message type.
        counts: Topic → number of messages.

    Raises:
        BagError: No such bag, not a bag, truncated, or empty.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._reader = Reader(_storage(self.path))
        with _sentences(self.path):
            self._reader.open()
        self._typestore = get_typestore(Stores.ROS2_JAZZY)
        self._register_types()
        self.topics = {c.topic: c.msgtype for c in self._reader.connections}
        self.counts = {c.topic: int(c.msgcount) for c in self._reader.connections}
        if not sum(self.counts.values()):
            self.close()
            hint = "Was it recorded while something was publishing?"
            raise BagError.at(self.path, "", "messages", "an empty bag", hint)

    def close(self) -> None:
        """Close the files; may be called twice."""
        if self._reader.is_open:
            self._reader.close()

    @property
    def custom(self) -> dict[str, str]:
        """What the recorder noted about the bag (``custom_data`` of metadata.yaml)."""
        try:
            text = (self.path / "metadata.yaml").read_text(encoding="utf-8")
            noted = yaml.safe_load(text)["rosbag2_bagfile_information"]["custom_data"]
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            return {}
        if not isinstance(noted, dict):
            return {}
        return {str(key): str(value) for key, value in noted.items()}

    @property
    def start_ns(self) -> int:
        """Time of receipt of the first message, integer nanoseconds."""
        return int(self._reader.start_time)

    @property
    def duration_ns(self) -> int:
        """Nanoseconds from the first message to the last."""
        return int(self._reader.duration)

    def topics_of(self, *kinds: str) -> list[str]:
        """Topics of the given message types that hold at least one message, sorted."""
        return sorted(t for t, kind in self.topics.items() if kind in kinds and self.counts[t])

    def raw(self, topics: Iterable[str] | None = None) -> Iterator[RawMessage]:
        """Messages in order of receipt.

        Args:
            topics: Only these; None for all.

        Raises:
            BagError: The file is damaged at some point; what came before has been yielded.
        """
        wanted = None if topics is None else set(topics)
        chosen = [c for c in self._reader.connections if wanted is None or c.topic in wanted]
        if not chosen:
            return
        with _sentences(self.path):
            for connection, log_ns, cdr in self._reader.messages(chosen):
                yield RawMessage(connection.topic, connection.msgtype, log_ns, cdr)

    def decode(self, message: RawMessage) -> Any:
        """The message as an object with the fields of its type.

        Raises:
            BagError: Its bytes do not fit its type, or the type is unknown.
        """
        try:
            return self._typestore.deserialize_cdr(message.cdr, message.kind)
        except Exception as error:  # the library raises whatever its generated code meets
            place = f"{message.topic} at {message.log_ns} ns"
            found = f"bytes that cannot be read ({type(error).__name__}: {error})"
            raise BagError.at(self.path, place, f"a {message.kind}", found) from None

    def _register_types(self) -> None:
        for connection in self._reader.connections:
            text = _definition(connection)
            if text and connection.msgtype not in self._typestore.types:
                with contextlib.suppress(Exception):  # the topic stays readable as raw bytes
                    types = get_types_from_msg(text, connection.msgtype)
                    new = {k: v for k, v in types.items() if k not in self._typestore.types}
                    self._typestore.register(new)


def _definition(connection: Connection) -> str:
    msgdef = connection.msgdef
    return msgdef.data if msgdef.format == MessageDefinitionFormat.MSG else ""


def _storage(path: Path) -> Path:
    """What the library can open: the folder, or the only storage file where metadata is missing."""
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise BagError.at(path, "", "a bag folder, .mcap or .db3", f"a '{path.suffix}' file")
        return path
    if not path.is_dir():
        raise BagError(f"{path}: there is no such bag; give its folder or .mcap file with --bag.")
    if (path / "metadata.yaml").is_file():
        return path
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    if len(files) == 1:
        return files[0]
    found = ", ".join(file.name for file in files) or "neither metadata.yaml nor a bag file"
    raise BagError.at(path, "", "metadata.yaml and one or more .mcap or .db3 files", found)


@contextlib.contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except (BagError, GeneratorExit):
        raise
    except (
        ReaderError,
        OSError,
        EOFError,
        TypeError,
        ValueError,
        AssertionError,
    ) as error:
        hint = (
            "It is truncated or damaged (recording was cut off?); `mcap recover` or "
            "`ros2 bag reindex` may save what is there."
        )
        found = str(error).rstrip(".") or type(error).__name__
        raise BagError.at(path, "", "a complete rosbag2", found, hint) from None
    except Exception as error:
        if type(error).__module__.split(".")[0] not in (
            "struct",
            "sqlite3",
            "apsw",
            "rosbags",
            "builtins",
        ):
            raise
        raise BagError.at(path, "", "a complete rosbag2", f"{error}") from None
