"""Where the junctions are, how fast the drive goes, and the true motion of the vehicle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.roads import Road, main_road
from dalearn_ros.world.style import City

Array = npt.NDArray[np.float64]
IMAGE_HZ, POSE_HZ = 10, 50
MARGIN_S = 0.5  # poses before the first and after the last image
START_M = 40.0
BEYOND_M = 320.0
SLOWEST, FASTEST = 5.0, 20.0


@dataclass(frozen=True)
class Plan:
    """One drive before anything is built around it.

    Attributes:
        road: The main road.
        junctions: (J,) stations of its junctions in metres.
        times_s: (N,) 50 Hz, the first image at 0.
        stations: (N,) metres along the road.
        speeds: (N,) metres a second.
        lane_r: Distance of the lane's middle to the right of the centre line.
        wander: Phases of the slow wandering in the lane.
    """

    road: Road
    junctions: Array
    times_s: Array
    stations: Array
    speeds: Array
    lane_r: float
    wander: Array

    def station(self, t: float) -> float:
        """Metres along the road at a time; goes on at the last speed beyond the drive."""
        if t > self.times_s[-1]:
            return float(self.stations[-1] + (t - self.times_s[-1]) * self.speeds[-1])
        if t < self.times_s[0]:
            return float(self.stations[0] + (t - self.times_s[0]) * self.speeds[0])
        return float(np.interp(t, self.times_s, self.stations))

    def time_at(self, s: float) -> float:
        """When the vehicle passes a station (seconds)."""
        if s >= self.stations[-1]:
            return float(self.times_s[-1] + (s - self.stations[-1]) / self.speeds[-1])
        return float(np.interp(s, self.stations, self.times_s))

    def offset(self, s: float) -> float:
        """Distance to the left of the centre line in metres."""
        a, b = self.wander
        return -self.lane_r + 0.14 * math.sin(s / 31.0 + a) + 0.08 * math.sin(s / 13.0 + b)

    def pose(self, t: float) -> Transform:
        """map_from_base at a time: on the road's surface, along its slope."""
        s = self.station(t)
        a, b = self.offset(s - 0.5), self.offset(s + 0.5)
        yaw = float(self.road.heading_at(s)) + math.atan(b - a)
        pitch = -math.atan(float(self.road.grade_at(s)))
        roll = 0.004 * math.sin(s / 17.0 + self.wander[0])
        return Transform.from_euler(roll, pitch, yaw, self.road.at(s, self.offset(s)))


def make_plan(city: City, frames: int, seed: int) -> Plan:
    """Plan a drive of ``frames`` images."""
    rng = generator(seed, "plan", city.name)
    duration = (frames - 1) / IMAGE_HZ
    longest = START_M + FASTEST * (duration + 4.0) + BEYOND_M
    junctions: list[float] = [START_M + float(rng.uniform(40.0, 60.0))]
    while junctions[-1] < longest:
        junctions.append(junctions[-1] + float(rng.uniform(72.0, 105.0)))
    stops = np.array(junctions)
    limit = float(rng.uniform(11.0, 15.5))
    times, stations, speeds = _motion(rng, stops, duration, limit)
    end = float(stations[-1]) + BEYOND_M
    stops = stops[stops < end - 60.0]
    lanes = int(city.lanes[int(rng.integers(0, len(city.lanes)))])
    road = main_road(rng, city, end, stops, lanes)
    lane = int(rng.integers(0, lanes))
    return Plan(
        road, stops, times, stations, speeds, (lane + 0.5) * city.lane_m, rng.uniform(0, 6.28, 2)
    )


def _motion(
    rng: np.random.Generator, junctions: Array, duration: float, limit: float
) -> tuple[Array, Array, Array]:
    slow = {float(j): float(rng.uniform(5.5, 9.5)) for j in junctions}
    ease = rng.uniform(0, 6.28)
    dt = 1.0 / POSE_HZ
    n = round((duration + 2 * MARGIN_S) * POSE_HZ) + 1
    times = np.arange(n, dtype=np.float64) * dt - MARGIN_S
    stations, speeds = np.zeros(n), np.zeros(n)
    s, v = START_M, limit * 0.8
    for i in range(n):
        stations[i], speeds[i] = s, v
        wish = limit + 1.2 * math.sin(s / 23.0 + ease)
        for at, speed in slow.items():
            ahead = at - s
            if -4.0 < ahead < 60.0:
                wish = min(wish, math.sqrt(speed**2 + 2 * 1.5 * max(ahead - 8.0, 0.0)))
        if wish < v:
            v += max(wish - v, -2.6) * min(1.0, 2.0 * dt)
        else:
            v += min(wish - v, 1.9) * dt
        v = float(np.clip(v, SLOWEST, FASTEST))
        s += v * dt
    return times, stations, speeds
