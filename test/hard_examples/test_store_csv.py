"""Tables: a store as a CSV file and back, and what is said of wrong ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.small_store import DAY, NIGHT, filled, statistics

from dalearn_ros.hard_examples.light_table import LightTable
from dalearn_ros.hard_examples.neighbours import NeighbourSettings
from dalearn_ros.hard_examples.statistics import Distribution
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_csv import HEAD, import_csv
from dalearn_ros.hard_examples.store_merge import merge_stores
from dalearn_ros.hard_examples.store_schema import StoreError
from dalearn_ros.hard_examples.vicinity import new_ones

SHORT = "time,weather,area,mean_0,mean_1,mean_2,std_0,std_1,std_2"


def test_a_table_and_back(tmp_path: Path) -> None:
    with filled(tmp_path / "a", {DAY: [100], NIGHT: [5]}) as store:
        store.record_use([2], 0.25, "m")
        before = store.parameters()
    merge_stores([tmp_path / "a"], tmp_path / "t.csv")
    merge_stores([tmp_path / "t.csv"], tmp_path / "b")
    with ParameterStore.open(tmp_path / "b") as store:
        after = store.parameters()
        assert len(store.targets()) == 2
    for one, other in zip(before, after, strict=True):
        assert one.cell == other.cell and one.pixels == other.pixels
        assert (one.used, one.accuracy, one.model) == (other.used, other.accuracy, other.model)
        assert np.allclose(one.distribution.vector, other.distribution.vector, rtol=1e-5)


def test_tables_of_nameless_rows_are_put_together(tmp_path: Path) -> None:
    head = "time,weather,area,mean_0,mean_1,mean_2,std_0,std_1,std_2\n"
    for name, level in (("a", 9), ("b", 8)):
        (tmp_path / f"{name}.csv").write_text(head + f"night,rain,sky,{level},1,-5,4,2,1\n")
    tables = [tmp_path / f"{name}.csv" for name in ("a", "b", "a")]
    assert merge_stores(tables, tmp_path / "s") == Counter(targets=2, parameters=2, twice=1)


def test_images_of_one_name_stay_apart_in_a_table(tmp_path: Path) -> None:
    with ParameterStore.create(tmp_path / "a") as store:
        for level in (100, 150):
            store.add_target("000001", f"digest{level}", DAY, statistics(level))
        before = sorted(one.distribution.mean for one in store.parameters())
    merge_stores([tmp_path / "a"], tmp_path / "t.csv")
    merge_stores([tmp_path / "t.csv"], tmp_path / "b")
    with ParameterStore.open(tmp_path / "b") as store:
        assert [target.name for target in store.targets()] == ["000001", "000001 (2)"]
        found = sorted(one.distribution.mean for one in store.parameters())
    assert np.allclose(found, before, rtol=1e-5)


def test_a_table_with_variances(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        "time,weather,area,mean_0,mean_1,mean_2,var_0,var_1,var_2\nnight,rain,sky,9,1,-5,16,4,1\n"
    )
    import_csv(table, tmp_path / "s")
    with ParameterStore.open(tmp_path / "s") as store:
        (one,) = store.parameters()
        assert one.distribution == Distribution((9.0, 1.0, -5.0), (4.0, 2.0, 1.0))


@pytest.mark.parametrize(
    "row, text",
    [
        ("noon,rain,sky,9,1,-5,1,1,1", "line 2: .*time: one of"),
        ("night,rain,sky,9,x,-5,1,1,1", "line 2: column 'mean_1' needs a number, found 'x'"),
        ("night,rain,sky,9,1,-5,-1,1,1", "line 2: a deviation or variance below 0"),
        ("night,rain,,9,1,-5,1,1,1", "line 2: its area has no name"),
        ("night,rain,sky,9,nan,-5,1,1,1", "finite"),
        ("night,rain,sky,9", "column 'mean_1' needs a number, found None"),
    ],
)
def test_a_wrong_table_is_told(tmp_path: Path, row: str, text: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"time,weather,area,mean_0,mean_1,mean_2,std_0,std_1,std_2\n{row}\n")
    with pytest.raises(StoreError, match=text):
        import_csv(table, tmp_path / "s")
    table.write_text("time,weather\n")
    with pytest.raises(StoreError, match="line 1: expected a column 'area'"):
        import_csv(table, tmp_path / "s2")


def test_generated_ones_stay_generated_in_a_table(tmp_path: Path) -> None:
    with filled(tmp_path / "a", {DAY: [100]}) as store:
        road, bounds = store.of_target(1)["road"], NeighbourSettings().bounds()
        (child,) = new_ones(store, road, bounds, np.random.default_rng(0))
        (grandchild,) = new_ones(store, child, bounds, np.random.default_rng(1))
        before = store.parameters()
    merge_stores([tmp_path / "a"], tmp_path / "t.csv")
    head, *rows = (tmp_path / "t.csv").read_text().splitlines()
    assert head == ",".join(HEAD)
    (tmp_path / "t.csv").write_text("\n".join([head, *rows[::-1]]) + "\n")  # children first
    merge_stores([tmp_path / "t.csv"], tmp_path / "b")
    with ParameterStore.open(tmp_path / "b") as store:
        assert len(store.targets()) == 1 and len(store) == len(before)
        assert set(store.of_target(1)) == {one.cell.area for one in before}
        found = [one for one in store.parameters() if one.target is None]
        assert [one.pixels for one in found] == [0, 0]
        assert found[0].parent == store.of_target(1)["road"].id
        assert found[1].parent == found[0].id
        for one, other in zip(found, (child, grandchild), strict=True):
            assert np.allclose(one.distribution.vector, other.distribution.vector, rtol=1e-5)


def test_ids_that_another_tool_wrote_as_decimals(tmp_path: Path) -> None:
    rows = [
        f"{SHORT},id,parent",
        "night,rain,sky,9,1,-5,4,2,1,7,",
        "night,rain,sky,8,1,-5,4,2,1,8,7.0",
    ]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    import_csv(tmp_path / "t.csv", tmp_path / "s")
    with ParameterStore.open(tmp_path / "s") as store:
        assert [(one.target, one.parent) for one in store.parameters()] == [(1, None), (None, 1)]


@pytest.mark.parametrize(
    "ends, text",
    [
        (("1,", "2,9"), "line 3, column 'parent': expected the id of another row, .*found 9"),
        (("1,2", "2,1"), "line 2, column 'parent': expected the id of another row, not generated"),
        (("1,", "1,"), "line 3, column 'id': expected a number of its own, found 1 as in line 2"),
        (("1,", "2,0.5"), "line 3: column 'parent' needs a whole number, found '0.5'"),
    ],
)
def test_wrong_ids_are_told(tmp_path: Path, ends: tuple[str, ...], text: str) -> None:
    rows = [f"{SHORT},id,parent", *(f"night,rain,sky,9,1,-5,4,2,1,{end}" for end in ends)]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(StoreError, match=text):
        merge_stores([tmp_path / "t.csv"], tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_table_of_the_conditions_of_a_light_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{SHORT}\nmidnight,sunny,sky,9,1,-5,4,2,1\n")
    with pytest.raises(StoreError, match="line 2: .*time: one of"):
        merge_stores([tmp_path / "t.csv"], tmp_path / "s")
    own = LightTable(("noon", "midnight"), ("sunny",), (("noon", "midnight"),), (), ())
    merge_stores([tmp_path / "t.csv"], tmp_path / "s", own)
    with ParameterStore.open(tmp_path / "s") as store:
        assert store.table == own
        assert [str(one.condition) for one in store.targets()] == ["midnight/sunny"]
    with pytest.raises(StoreError, match="--table: expected a CSV table among the inputs"):
        merge_stores([tmp_path / "s"], tmp_path / "s2", own)
