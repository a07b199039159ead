"""Which topics of a bag belong to a camera: its images, its depth, its calibration."""

from __future__ import annotations

from dalearn_ros.bags.images import DEPTH_ENCODINGS
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.errors import BagError

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


def choose_camera_topic(bag: Bag, topic: str | None = None) -> str:
    """The image topic to read: the named one, else the only colour camera's.

    Where a camera comes raw and compressed, the compressed one is taken.

    Raises:
        BagError: None, several, or not an image topic.
    """
    known = bag.topics_of(IMAGE, COMPRESSED)
    if topic is not None:
        if topic in known:
            return topic
        found = ", ".join(known) or "none"
        raise BagError.at(bag.path, "", f"images on {topic}", f"image topics: {found}")
    single = camera_topics(bag)
    if len(single) == 1:
        return single[0]
    found = ", ".join(single) or "none"
    hint = "Name the one to use with --camera-topic." if single else "Record the camera's images."
    raise BagError.at(bag.path, "", "images of one camera", found, hint)


def camera_topics(bag: Bag) -> list[str]:
    """Topics of colour images, each camera once: compressed where it comes both ways."""
    depth = set(find_depth_topics(bag))
    colour = [
        name
        for name in bag.topics_of(IMAGE, COMPRESSED)
        if name not in depth and not _is_compressed_depth(bag, name)
    ]
    return [name for name in colour if f"{name}/compressed" not in colour]


def find_depth_topics(bag: Bag) -> list[str]:
    """Image topics that hold depth, by the encoding of their first message."""
    found = []
    for topic in bag.topics_of(IMAGE):
        first = next(bag.raw([topic]))
        if bag.decode(first).encoding in DEPTH_ENCODINGS and "depth" in topic:
            found.append(topic)
    return found


def find_info_topic(bag: Bag, image_topic: str) -> str:
    """The CameraInfo of an image topic: the one beside it, else the only one of the bag.

    The only one is taken if the bag has one camera, or if it names the frame of the images: that
    of another camera would put every landmark to a wrong place.

    Raises:
        BagError: None, several elsewhere, or one that may be another camera's.
    """
    known = bag.topics_of(CAMERA_INFO)
    folder = image_topic.removesuffix("/compressed").rsplit("/", 1)[0]
    for name in (f"{folder}/camera_info", f"{image_topic}/camera_info"):
        if name in known:
            return name
    cameras = {name.removesuffix("/compressed") for name in camera_topics(bag)}
    if len(known) == 1 and (
        cameras == {image_topic.removesuffix("/compressed")}
        or _frame_of(bag, known[0]) == _frame_of(bag, image_topic) != ""
    ):
        return known[0]
    expected = f"the calibration of {image_topic} on {folder}/camera_info"
    found = ", ".join(known) or "no sensor_msgs/CameraInfo in the bag"
    hint = "Record camera_info with the images; without it no landmark can be projected."
    raise BagError.at(bag.path, "", expected, found, hint)


def _is_compressed_depth(bag: Bag, topic: str) -> bool:
    """Whether a CompressedImage holds depth, by image_transport's name or format."""
    if bag.topics[topic] != COMPRESSED:
        return False
    if topic.endswith("/compressedDepth"):
        return True
    kind = str(bag.decode(next(bag.raw([topic]))).format)
    return "compressedDepth" in kind or (kind.startswith(DEPTH_ENCODINGS) and "depth" in topic)


def _frame_of(bag: Bag, topic: str) -> str:
    """Frame of a topic's first message."""
    return str(bag.decode(next(bag.raw([topic]))).header.frame_id).lstrip("/")
