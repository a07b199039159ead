"""Conversions between messages and our types."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image, PointField

from dalearn_ros.bags.images import ImageFault
from dalearn_ros.coding.metadata import DepthMetadata
from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.camera_info import camera_from_info
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.inference.depth import DepthMap, with_depth_ranges
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes import landmark_messages, messages

CAMERA = Camera(
    640, 480, np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]]), np.array([0.1, -0.02, 0, 0, 0])
)


def observed(count: int = 3) -> Observations:
    rng = np.random.default_rng(5)
    spread = rng.uniform(0.5, 2.0, (count, 2, 2))
    return Observations(
        stamp_ns=1_700_000_000_123_456_789,
        class_id=np.arange(1, count + 1),
        point_px=rng.uniform(0, 480, (count, 2)),
        score=rng.uniform(0.3, 1.0, count),
        covariance_px2=spread @ spread.transpose(0, 2, 1),
        range_m=np.array([10.0, np.nan, 30.0])[:count],
        sigma_range_m=np.array([0.5, np.nan, 2.0])[:count],
        track_id=np.array([-1, 4, 7])[:count],
    )


def test_a_cloud_brings_every_field_back() -> None:
    sent = observed()
    cloud = landmark_messages.cloud_of(sent, "camera_optical", CAMERA)
    assert [field.name for field in cloud.fields] == (
        "x y z u v class_id score cov_uu cov_uv cov_vv range_m sigma_range_m track_id".split()
    )
    assert (cloud.width, cloud.height, cloud.point_step) == (3, 1, 52)
    got = landmark_messages.observations_of(cloud)
    assert got.stamp_ns == sent.stamp_ns
    assert got.class_id.tolist() == [1, 2, 3]
    assert got.track_id.tolist() == [-1, 4, 7]
    np.testing.assert_allclose(got.point_px, sent.point_px, atol=1e-4)
    np.testing.assert_allclose(got.covariance_px2, sent.covariance_px2, rtol=1e-6)
    np.testing.assert_allclose(got.score, sent.score, rtol=1e-6)
    np.testing.assert_allclose(got.range_m, sent.range_m)
    np.testing.assert_allclose(got.sigma_range_m, sent.sigma_range_m)


def test_the_points_of_a_cloud_lie_at_their_distance_and_project_to_their_pixels() -> None:
    sent = observed()
    cloud = landmark_messages.cloud_of(sent, "camera_optical", CAMERA)
    raw = np.frombuffer(memoryview(cloud.data), "<f4").reshape(3, 13)
    xyz = raw[:, :3].astype(float)
    assert np.isnan(xyz[1]).all()
    assert not cloud.is_dense
    known = [0, 2]
    np.testing.assert_allclose(np.linalg.norm(xyz[known], axis=1), [10.0, 30.0], rtol=1e-6)
    expected, _ = cv2.projectPoints(
        xyz[known], np.zeros(3), np.zeros(3), CAMERA.matrix, CAMERA.distortion
    )
    np.testing.assert_allclose(expected[:, 0], sent.point_px[known], atol=1e-3)


@given(st.integers(0, 2), st.floats(5.0, 634.0), st.floats(5.0, 474.0), st.floats(2.0, 79.0))
def test_a_point_of_depth_has_that_depth_in_any_lens(
    lens: int, u: float, v: float, depth_m: float
) -> None:
    """x y z: on the pixel when projected, z metres ahead, range_m away."""
    matrix = np.array([[300.0, 0, 320], [0, 310, 240], [0, 0, 1]])
    fisheye = Camera(640, 480, matrix, np.array([0.01, -0.002, 0, 0]), "equidistant")
    camera = (CAMERA, fisheye, Camera(640, 480, matrix))[lens]
    cells = np.full((60, 80), np.log(depth_m), np.float32)
    taught = DepthMetadata(stride=8, least_m=1.0, greatest_m=80.0)
    sent = dataclasses.replace(observed(1), point_px=np.array([[u, v]]))
    depth = DepthMap(cells, np.full_like(cells, 2.0 * np.log(0.1)), taught)
    found = with_depth_ranges(sent, depth, camera)
    cloud = landmark_messages.cloud_of(found, "camera_optical", camera)
    row = np.frombuffer(memoryview(cloud.data), landmark_messages.ROW)[0]
    point = np.array([[row["x"], row["y"], row["z"]]], np.float64)
    assert row["z"] == pytest.approx(depth_m, rel=1e-5)
    assert np.linalg.norm(point) == pytest.approx(row["range_m"], rel=1e-5)
    assert row["sigma_range_m"] == pytest.approx(0.1 * row["range_m"], rel=1e-5)
    pixel, valid = camera.project(point)
    assert valid.all()
    np.testing.assert_allclose(pixel[0], [u, v], atol=2e-3)


def test_nothing_seen_is_an_empty_cloud() -> None:
    cloud = landmark_messages.cloud_of(Observations.empty(7), "camera_optical")
    assert (cloud.width, len(cloud.data), len(cloud.fields)) == (0, 0, 13)
    assert len(landmark_messages.observations_of(cloud)) == 0


def test_a_cloud_without_a_field_is_an_error_that_names_the_fields() -> None:
    cloud = landmark_messages.cloud_of(observed(), "camera_optical")
    cloud.fields = [field for field in cloud.fields if field.name != "cov_uv"]
    with pytest.raises(InputError, match="expected x, y, z.*cov_uv"):
        landmark_messages.observations_of(cloud)


def test_a_cut_off_cloud_is_an_error() -> None:
    cloud = landmark_messages.cloud_of(observed(), "camera_optical")
    cloud.data = cloud.data[:-1]
    with pytest.raises(InputError, match="3 points of 52 bytes, found 155 bytes"):
        landmark_messages.observations_of(cloud)


def test_detections_have_boxes_of_six_sigma_and_ids_as_text() -> None:
    sent = observed()
    message = landmark_messages.detections_of(sent, "camera_optical", CAMERA)
    assert [d.results[0].hypothesis.class_id for d in message.detections] == ["1", "2", "3"]
    assert [d.id for d in message.detections] == ["", "4", "7"]
    first = message.detections[0]
    assert first.bbox.size_x == pytest.approx(6 * np.sqrt(sent.covariance_px2[0, 0, 0]))
    assert first.bbox.center.position.y == pytest.approx(sent.point_px[0, 1])
    unknown = message.detections[1].results[0].pose
    assert not np.any(unknown.covariance)


def test_the_covariance_of_a_detected_point_agrees_with_samples() -> None:
    sent = observed(1)
    message = landmark_messages.detections_of(sent, "camera_optical", CAMERA)
    given = np.asarray(message.detections[0].results[0].pose.covariance).reshape(6, 6)[:3, :3]
    rng = np.random.default_rng(0)
    pixels = rng.multivariate_normal(sent.point_px[0], sent.covariance_px2[0], 40_000)
    rays = CAMERA.unproject(pixels)
    ranges = rng.normal(10.0, 0.5, len(rays))
    points = rays / np.linalg.norm(rays, axis=1, keepdims=True) * ranges[:, None]
    np.testing.assert_allclose(given, np.cov(points.T), atol=0.02 * np.trace(given))


def test_label_info_names_the_classes() -> None:
    info = landmark_messages.label_info_of(LabelSpace.load(), 0.25, 0)
    assert [(c.class_id, c.class_name) for c in info.class_map][5] == (5, "signal")
    assert info.threshold == pytest.approx(0.25)


def test_the_fields_have_the_types_that_point_cloud_tools_know() -> None:
    kinds = {f.name: f.datatype for f in landmark_messages.cloud_of(observed(), "c").fields}
    assert kinds["x"] == kinds["cov_uv"] == PointField.FLOAT32
    assert kinds["class_id"] == kinds["track_id"] == PointField.INT32


def test_a_camera_goes_through_camera_info() -> None:
    back = camera_from_info(messages.camera_info_of(CAMERA, 5))
    np.testing.assert_array_equal(back.matrix, CAMERA.matrix)
    np.testing.assert_array_equal(back.distortion, CAMERA.distortion)
    assert (back.width, back.height, back.name) == (640, 480, "camera_optical")


def test_an_uncalibrated_camera_is_named() -> None:
    info = messages.camera_info_of(CAMERA, 5)
    info.k = np.zeros(9)
    with pytest.raises(InputError, match="Is the camera calibrated"):
        camera_from_info(info)


def test_a_pose_goes_through_its_message() -> None:
    transform = Transform.from_euler(0.1, -0.2, 2.5, (100.0, -20.0, 3.0))
    covariance = np.diag([1.0, 2.0, 3.0, 0.1, 0.2, 0.3])
    pose = Pose(1_234_567_890_987_654_321, transform, covariance)
    back = messages.pose_of(messages.pose_with_covariance_message(pose, "map"))
    assert back.stamp_ns == pose.stamp_ns
    np.testing.assert_allclose(back.map_from_base.matrix, transform.matrix, atol=1e-12)
    np.testing.assert_array_equal(back.covariance, covariance)


def test_a_covariance_of_zeros_is_unknown_and_a_bad_pose_is_refused() -> None:
    message = messages.pose_with_covariance_message(Pose(0, Transform.identity(), None), "map")
    assert messages.pose_of(message).covariance is None
    message.pose.pose.position.x = float("nan")
    with pytest.raises(ValueError, match="finite position"):
        messages.pose_of(message)
    with pytest.raises(ValueError, match="quaternion"):
        messages.pose_of(PoseStamped(pose=_pose_with_zero_quaternion()))


def _pose_with_zero_quaternion() -> object:
    pose = messages.pose_message(Transform.identity())
    pose.orientation.w = 0.0
    return pose


def test_an_image_goes_through_its_message() -> None:
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(messages.pixels_of(messages.image_message(image, 1, "c")), image)


def test_a_view_of_an_image_is_sent_as_it_looks() -> None:
    image = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)[::2, ::-1]
    np.testing.assert_array_equal(messages.pixels_of(messages.image_message(image, 1, "c")), image)


def test_a_compressed_image_is_decoded_and_a_half_one_refused() -> None:
    image = np.full((16, 16, 3), 90, np.uint8)
    encoded = cv2.imencode(".jpg", image)[1].tobytes()
    got = messages.pixels_of(messages.compressed_message(encoded, 1, "c"))
    assert abs(int(got.mean()) - 90) <= 1
    half = CompressedImage(format="jpeg", data=list(encoded[: len(encoded) // 2]))
    with pytest.raises(ImageFault, match="half-written") as caught:
        messages.pixels_of(half)
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize("encoding", ["rgb8", "bgra8", "mono8", "bayer_rggb8", "mono16"])
def test_our_decoder_and_cv_bridge_agree(encoding: str) -> None:
    convert = messages.healthy_cv_bridge()
    if convert is None:
        pytest.skip("cv_bridge is not installed here, or not healthy; it comes with ROS 2 only")
    channels = {"rgb8": 3, "bgra8": 4, "mono16": 2}.get(encoding, 1)
    data = np.random.default_rng(1).integers(0, 255, 8 * 8 * channels, dtype=np.uint8)
    message = Image(height=8, width=8, encoding=encoding, step=8 * channels, data=data.tolist())
    np.testing.assert_allclose(messages.pixels_of(message), convert(message), atol=1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compressed", [False, True])
def test_pixels_are_written_where_a_network_takes_them(channels: int, compressed: bool) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    sent: object = messages.image_message(picture, 1, "c")
    if compressed:
        sent = messages.compressed_message(cv2.imencode(".png", picture)[1].tobytes(), 1, "c")
    room = np.full((10, 12, channels), 99, np.uint8)
    asked: list[tuple[int, int]] = []

    def place(width: int, height: int) -> np.ndarray:
        asked.append((width, height))
        return room[:height, :width]

    assert messages.write_pixels(sent, place) == (8, 6)
    assert asked == [(8, 6)]
    expected = picture if channels == 3 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None]
    np.testing.assert_array_equal(room[:6, :8], expected)
    assert (room[6:] == 99).all() and (room[:, 8:] == 99).all()


def test_no_place_is_made_for_an_image_that_cannot_be_there() -> None:
    huge = Image(height=2**31, width=2**31, encoding="bgr8", step=4, data=[0] * 8)
    with pytest.raises(ImageFault, match="8 bytes are too few"):
        messages.write_pixels(huge, lambda width, height: pytest.fail("a place was made"))
