"""Images of a rosbag2 as files: extracted once, continued where it was interrupted."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2

from dalearn_ros.bags.images import ImageFault, check_complete, decode_compressed, decode_raw
from dalearn_ros.bags.poses import stamp_ns
from dalearn_ros.bags.storage import Bag
from dalearn_ros.bags.topics import COMPRESSED, camera_topics, choose_camera_topic
from dalearn_ros.core.errors import BagError
from dalearn_ros.core.files import atomic_file, write_json
from dalearn_ros.core.progress import track

LeftOut = dict[str, list[str]]
_DONE = "extracted.json"
_PNG_LEVEL = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def extract_images(path: Path, folder: Path, topic: str | None = None) -> tuple[Path, LeftOut]:
    """Write the images of a bag as files, each whole or not at all.

    Compressed images keep their bytes, others become PNG. A second call with the same bag and
    topics, wherever it lies now, writes only what is missing; once all are there, the images are
    not read again.

    Args:
        path: A bag folder or one ``.mcap`` or ``.db3`` file.
        folder: Gets a folder of its own for each bag, named by what the bag holds.
        topic: Images of this topic; None: of all cameras, without depth images.

    Returns:
        The bag's own folder, with one folder for each topic in which the order of the file names
        is that of the bag; and reason → ``topic at stamp`` of each image that cannot be used.

    Raises:
        BagError: No such bag, damaged, no such topic, or no image in it.
        InputError: The disk is full, or the folder cannot be written.
    """
    with Bag(path) as bag:
        topics = camera_topics(bag) if topic is None else [choose_camera_topic(bag, topic)]
        if not topics:
            found = ", ".join(sorted(bag.topics)) or "no topic"
            raise BagError.at(path, "", "a topic with colour images", found)
        own = folder / _name_of(bag, topics)
        if (own / _DONE).is_file():
            return own, _left_out(own / _DONE)
        left_out: LeftOut = {}
        for name in topics:
            _extract(bag, name, own / name.strip("/").replace("/", "_"), left_out)
        write_json(own / _DONE, {"topics": topics, "left_out": left_out})
    return own, left_out


def _extract(bag: Bag, topic: str, folder: Path, left_out: LeftOut) -> None:
    compressed = bag.topics[topic] == COMPRESSED
    messages = track(bag.raw([topic]), bag.counts[topic], "extract")
    for number, raw in enumerate(messages):
        where = f"{topic} at {raw.log_ns} ns"
        try:
            message = bag.decode(raw)
            name = f"{number:06d}_{stamp_ns(message.header):019d}"
            if any((folder / f"{name}{suffix}").is_file() for suffix in (".jpg", ".png")):
                continue
            encoded, suffix = _compressed(message) if compressed else _raw(message)
        except BagError:
            left_out.setdefault("undecodable", []).append(where)
            continue
        except ImageFault as fault:
            left_out.setdefault(fault.reason, []).append(where)
            continue
        with atomic_file(folder / f"{name}{suffix}") as file:
            file.write_bytes(encoded)


def _compressed(message: Any) -> tuple[bytes, str]:
    encoded: bytes = message.data.tobytes()
    check_complete(encoded)
    if encoded[:2] == b"\xff\xd8":
        return encoded, ".jpg"
    if encoded[:4] == b"\x89PNG":
        return encoded, ".png"
    return _png(decode_compressed(encoded)), ".png"


def _raw(m: Any) -> tuple[bytes, str]:
    shape = int(m.height), int(m.width)
    return _png(decode_raw(m.data, *shape, m.encoding, int(m.step), bool(m.is_bigendian))), ".png"


def _png(image: Any) -> bytes:
    return bytes(cv2.imencode(".png", image, _PNG_LEVEL)[1].tobytes())


def _name_of(bag: Bag, topics: list[str]) -> str:
    """The same for the same recording, wherever it lies."""
    facts = [bag.start_ns, bag.duration_ns, sorted(bag.counts.items()), topics]
    return "bag_" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _left_out(file: Path) -> LeftOut:
    content = json.loads(file.read_text(encoding="utf-8"))
    return {str(reason): list(names) for reason, names in content["left_out"].items()}
