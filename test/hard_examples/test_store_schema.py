"""The file of a store, where a process was killed in the midst of a change."""

from __future__ import annotations

import shutil
from pathlib import Path

from helpers.small_store import DAY, NIGHT, filled

from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_schema import copy_store


def test_the_journal_of_a_killed_process_is_not_played_into_a_copy(tmp_path: Path) -> None:
    given, run = tmp_path / "given.sqlite", tmp_path / "run.sqlite"
    filled(given, {DAY: [100, 120], NIGHT: [5]}).close()
    shutil.copyfile(given, run)
    journal = tmp_path / "run.sqlite-journal"
    with ParameterStore.open(run, write=True) as store:
        everything = [one.id for one in store.parameters()]
        store.record_use(everything, 0.5, "m")
        store.db.execute("BEGIN")
        store.db.execute("UPDATE parameters SET used = 7")
        shutil.copyfile(journal, tmp_path / "kept")  # a kill would leave it
        store.db.execute("ROLLBACK")
    shutil.copyfile(tmp_path / "kept", journal)
    for ending in ("-wal", "-shm"):
        (tmp_path / f"run.sqlite{ending}").write_bytes(b"of before")
    copy_store(given, run)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "given.sqlite",
        "kept",
        "run.sqlite",
    ]
    with ParameterStore.open(run, write=True) as store:
        assert {one.used for one in store.parameters()} == {0}
