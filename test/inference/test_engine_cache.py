"""Engines are used only where they were built for, whole, and with their sidecar."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dalearn_ros.core.errors import InputError, SettingsError
from dalearn_ros.inference.engine_cache import EngineCache, EngineKey, EngineRefused
from dalearn_ros.inference.engine_settings import EngineSettings, profiles_of

KEY = EngineKey("ab" * 32, "tensorrt 10.3.0", "Orin", "8.7", ("1x736x1280",), 1024, True)
ROOT = Path(__file__).resolve().parents[2]


def _stored(folder):
    cache = EngineCache(folder)
    return cache, cache.store("m", KEY, b"engine" * 100, {"parity": {"common": 1e-4}})


def test_what_is_stored_is_found(tmp_path):
    cache, path = _stored(tmp_path)
    assert cache.find("m", KEY) == (path, b"engine" * 100, {"parity": {"common": 1e-4}})
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"{path.stem}.engine",
        f"{path.stem}.json",
    ]
    assert json.loads(path.with_suffix(".json").read_text())["key"] == KEY.to_dict()


@pytest.mark.parametrize(
    "change, said",
    [
        ({"model_sha256": "cd" * 32}, "model_sha256 'abababababab…' instead of 'cdcdcdcdcdcd…'"),
        ({"runtime": "tensorrt 10.4.0"}, "runtime 'tensorrt 10.3.0' instead of 'tensorrt 10.4.0'"),
        ({"gpu": "Thor", "compute_capability": "11.0"}, "gpu 'Orin' instead of 'Thor'; compute_"),
        ({"profiles": ("1x384x640",)}, r"profiles [1x736x1280] instead of [1x384x640]"),
        ({"workspace_mib": 512}, "workspace_mib '1024' instead of '512'"),
        ({"timing_cache": False}, "timing_cache 'True' instead of 'False'"),
    ],
)
def test_every_part_of_the_key_counts_and_is_named(tmp_path, change, said):
    cache, path = _stored(tmp_path)
    other = dataclasses.replace(KEY, **change)
    assert other.digest != KEY.digest
    with pytest.raises(EngineRefused) as caught:
        cache.find("m", other)
    assert str(path) in str(caught.value) and said in str(caught.value)


def test_the_nearest_engine_is_named(tmp_path):
    cache, _ = _stored(tmp_path)
    near = dataclasses.replace(KEY, gpu="Thor")
    cache.store("m", dataclasses.replace(near, runtime="tensorrt 11.0"), b"x", {})
    with pytest.raises(EngineRefused) as caught:
        cache.find("m", near)
    assert str(caught.value).endswith("was built with gpu 'Orin' instead of 'Thor'.")
    with pytest.raises(EngineRefused, match="holds no engine of a model 'other'"):
        cache.find("other", KEY)


def test_an_engine_under_anothers_name_is_refused(tmp_path):
    cache, path = _stored(tmp_path)
    other = dataclasses.replace(KEY, gpu="Thor")
    for suffix in (".engine", ".json"):
        os.rename(path.with_suffix(suffix), cache.path("m", other).with_suffix(suffix))
    with pytest.raises(EngineRefused, match="another machine or model: gpu 'Orin' instead of"):
        cache.find("m", other)


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda e: e.write_bytes(e.read_bytes()[:99]), "expected 600 bytes, found 99; it is trunc"),
        (lambda e: e.write_bytes(b"Engine" * 100), "it is damaged"),
        (lambda e: e.with_suffix(".json").unlink(), "its sidecar .* is missing"),
        (lambda e: e.with_suffix(".json").write_text('{"format": 1'), "is no sidecar of format 1"),
        (lambda e: e.with_suffix(".json").write_text('{"format": 2}'), "is no sidecar of format 1"),
        (lambda e: e.unlink(), "holds no engine"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path, damage, said):
    cache, path = _stored(tmp_path)
    damage(path)
    with pytest.raises(EngineRefused, match=said):
        cache.find("m", KEY)


def test_timings_belong_to_a_version_and_a_gpu(tmp_path):
    cache = EngineCache(tmp_path / "new")
    assert cache.read_timing(KEY) == b""
    cache.store_timing(KEY, b"measured")
    assert cache.read_timing(dataclasses.replace(KEY, model_sha256="0")) == b"measured"
    assert cache.read_timing(dataclasses.replace(KEY, runtime="tensorrt 11.0")) == b""


KILLED = """
import sys, time
from pathlib import Path
from dalearn_ros.inference.engine_cache import EngineCache
from test_engine_cache import KEY
class Plan(bytes):
    def __len__(self):  # asked for after the engine was written, before the sidecar is
        print("writing", flush=True); time.sleep(60)
def slowly(path, data):
    open(path, "wb").write(data[:50]); print("writing", flush=True); time.sleep(60)
if sys.argv[2] == "engine":
    Path.write_bytes = slowly
EngineCache(Path(sys.argv[1])).store("m", KEY, Plan(b"engine" * 100), {})
"""


@pytest.mark.parametrize("moment", ["engine", "sidecar"])
def test_a_killed_builder_leaves_nothing_that_is_used(tmp_path, moment):
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), moment],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None and process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.stdout.close()
    with pytest.raises(EngineRefused):
        EngineCache(tmp_path).find("m", KEY)
    start = time.monotonic()
    cache, engine = _stored(tmp_path)  # no lock is in the way, and the rest is swept up
    assert time.monotonic() - start < 5.0
    assert cache.find("m", KEY)[0] == engine
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        EngineCache(tmp_path / "file").store("m", KEY, b"x", {})


def test_sizes_and_places(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert EngineSettings().place == tmp_path / "dalearn_ros" / "engines"
    assert EngineSettings(folder="/var/engines").place == Path("/var/engines")
    (wide,) = profiles_of(EngineSettings(batch=6), 32)
    assert str(wide) == "1x64x64 to 6x1216x1920, tuned for 6x736x1280"
    with pytest.raises(SettingsError, match="expected WIDTHxHEIGHT such as 1280x720, found '720p'"):
        profiles_of(EngineSettings(sizes=("720p",)), 32)
