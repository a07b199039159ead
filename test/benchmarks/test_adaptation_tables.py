"""How results become lines, and what counts as what."""

import pytest

from benchmarks.adaptation_rows import FULL, ORACLE, SOURCE_ONLY
from benchmarks.adaptation_tables import BY_CLASS, class_table, gain, gap_closed, table_of, taken


def _entry(row, seed, counts, refused=""):
    hits, wrong, missed = (sum(c[i] for c in counts) for i in range(3))
    return {
        "pair": "north to south",
        "group": "world",
        "row": row,
        "seed": seed,
        "f1": 2 * hits / (2 * hits + wrong + missed),
        "median_px": 1.5,
        "counts": counts,
        "classes": {},
        "refused": refused,
    }


LOW, MIDDLE, HIGH = [[2, 3, 3]] * 4, [[5, 2, 2]] * 4, [[8, 1, 1]] * 4


def test_share_of_the_gap_by_hand():
    entries = [_entry(SOURCE_ONLY, 1, LOW), _entry(FULL, 1, MIDDLE), _entry(ORACLE, 1, HIGH)]
    share, low, high = gap_closed(entries, FULL)
    ends = 4 / 10, 10 / 14, 16 / 18
    assert share == pytest.approx((ends[1] - ends[0]) / (ends[2] - ends[0]))
    assert low == pytest.approx(share), "all images are alike, so there is no spread"
    assert high == pytest.approx(share)
    assert gap_closed(entries, ORACLE) is None
    assert gap_closed(entries[:2], FULL) is None


def test_the_gap_is_of_the_seeds_that_both_ends_have_too():
    entries = [_entry(SOURCE_ONLY, 1, LOW), _entry(FULL, 1, MIDDLE), _entry(ORACLE, 1, HIGH)]
    more = [*entries, _entry(SOURCE_ONLY, 2, MIDDLE), _entry(ORACLE, 3, LOW)]
    assert gap_closed(more, FULL) == gap_closed(entries, FULL)


def test_the_gap_of_several_pairs_is_the_mean_of_the_valid_ones():
    entries = [_entry(SOURCE_ONLY, 1, LOW), _entry(FULL, 1, MIDDLE), _entry(ORACLE, 1, HIGH)]
    refused = [{**e, "pair": "north to east"} for e in entries]
    refused[1]["counts"], refused[1]["f1"] = LOW, refused[0]["f1"]
    near = [{**e, "pair": "day to night", "counts": LOW, "f1": 0.4} for e in entries]
    one = gap_closed(entries, FULL)
    assert gap_closed([*entries, *refused, *near], FULL) == pytest.approx([v / 2 for v in one])


def test_a_small_gap_says_nothing():
    near = [[3, 3, 3]] * 4
    entries = [_entry(SOURCE_ONLY, 1, LOW), _entry(FULL, 1, MIDDLE), _entry(ORACLE, 1, near)]
    assert gap_closed(entries, FULL) is None


def test_the_gain_by_hand_also_where_the_gap_is_small():
    near = [[3, 3, 3]] * 4
    entries = [_entry(SOURCE_ONLY, 1, LOW), _entry(FULL, 1, near)]
    assert gain(entries, FULL) == pytest.approx((1 / 2 - 2 / 5,) * 3), "no spread: images alike"
    assert gain(entries, SOURCE_ONLY) is None
    assert gain(entries[1:], FULL) is None
    line = table_of([taken(e, entries) for e in entries], ablation=False)[1]
    assert line["gain in F1"] == "+0.100 (+0.100 to +0.100)"


def test_the_interval_of_the_gain_holds_images_drawn_anew():
    mixed = [[8, 1, 1], [2, 3, 3]] * 8
    entries = [_entry(SOURCE_ONLY, 1, LOW * 4), _entry(FULL, 1, mixed)]
    middle, low, high = gain(entries, FULL)
    assert 0.0 < low < middle < high


def test_classes_are_means_over_seeds_of_valid_pairs():
    rows = dict.fromkeys(BY_CLASS, LOW) | {ORACLE: HIGH}
    entries = []
    for seed, f1 in ((1, 0.25), (2, 0.75)):
        for row, counts in rows.items():
            found = _entry(row, seed, counts)
            entries.append({**found, "classes": {"signal": {"f1": f1, "support": 7}}})
    (line,) = class_table(entries)
    assert (line["class"], line["landmarks"], line[FULL]) == ("signal", 7, 0.5)
    assert class_table([e for e in entries if e["row"] != ORACLE]) == []


def _adapted(seed, networks, chosen, refused=""):
    """An adaptation whose networks along the way have some counts, by step."""
    found = [{**_entry(FULL, seed, counts), "step": step} for step, counts in networks.items()]
    about = {"pair": "north to south", "group": "world", "row": FULL, "seed": seed}
    return {**about, "networks": found, "chosen": chosen, "refused": refused}


def test_a_refused_run_counts_as_source_only_of_its_seed():
    entries = [_entry(SOURCE_ONLY, 1, LOW), _entry(SOURCE_ONLY, 2, MIDDLE)]
    refused = _adapted(2, {400: LOW, 800: HIGH}, 0, refused="did not help")
    found = taken(refused, [*entries, refused])
    assert found["f1"] == entries[1]["f1"]
    assert found["row"] == FULL
    line = table_of([*(taken(e, entries) for e in entries), found], ablation=False)[1]
    assert line["refused"] == 1


def test_the_figures_are_those_of_the_network_that_was_taken():
    entries = [_entry(SOURCE_ONLY, 1, LOW)]
    found = taken(_adapted(1, {400: HIGH, 800: MIDDLE}, 800), entries)
    assert found["counts"] == MIDDLE
    assert found["best"] == pytest.approx(16 / 18), "labels would have chosen the other"
    worse = taken(_adapted(1, {400: LOW, 800: LOW}, 800), [_entry(SOURCE_ONLY, 1, HIGH)])
    assert worse["best"] == pytest.approx(16 / 18), "labels would have kept source only"
