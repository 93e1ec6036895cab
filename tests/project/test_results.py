"""Numbers in the tables of pages are those of files that benchmarks wrote."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from benchmarks import mechanism_tables, tables
from benchmarks.mechanism import COLUMNS
from benchmarks.result_files import FOLDER, merge_results, read_results
from benchmarks.tables import PAGES, TABLES, filled, render, small
from shapsketch.spectrum.metrics import r_squared


@pytest.mark.parametrize("page", PAGES)
def test_tables_of_a_page_are_made_of_the_files_of_results(root, page):
    text = (root / page).read_text()
    assert filled(text) == text, "run `make tables`, or the benchmark again"


def test_every_table_stands_on_a_page_and_every_file_is_shown(root):
    marks = Counter(name for page in PAGES for name in re.findall(r"<!-- table: (\w+) -->", (root / page).read_text()))
    assert set(marks) == set(TABLES)
    assert {path.stem for path in FOLDER.glob("*")} == {stem for stem, _ in TABLES.values()}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*")), ids=lambda path: path.name)
def test_files_say_how_they_were_made(path):
    head = re.match(r"# command: (.+)\n# commit: (.*)\n# machine: (.*)\n", path.read_text())
    assert head and head[1].startswith("make ")
    table = read_results(path)
    assert len(table) and {"commit", "machine"} <= set(table.columns)
    assert set(table["commit"]) == set(head[2].split(", "))


def test_another_number_in_a_table_or_in_its_file_is_seen(tmp_path, monkeypatch):
    run = {"model": "sprout", "output": "y", "evaluations": 64, "spread": 1000}
    errors = {"shapsketch": 0.00123, "kernel_shap": 7.04, "fastshap": 0.0009, "spex": None}
    rows = [run | {"method": name, "error": error} for name, error in errors.items()]
    path = tmp_path / "methods.tsv"
    merge_results(path, rows, ["model", "method"], list(rows[0]), "make benchmark-methods")
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    monkeypatch.setitem(TABLES, "methods", ("methods", tables.methods))
    table = render("methods")
    assert table.splitlines()[2].split(" | ")[1:] == ["64 of 1,000", "0.0012", "7.0", "**0.00090, FastSHAP** |"]
    page = f"before\n\n<!-- table: methods -->\n\n{table}\nafter 7.0\n"
    assert filled(page) == page
    assert filled(page.replace("0.0012", "0.0011")) == page
    merge_results(path, [rows[1] | {"error": 8.04}], ["model", "method"], list(rows[0]), "make benchmark-methods")
    assert filled(page) == page.replace("7.0 |", "8.0 |")
    assert len(read_results(path)) == len(rows)


def test_a_run_that_is_measured_again_loses_all_its_rows(tmp_path):
    def put(*rows):
        keyed = [dict(zip(("page", "group", "value"), row, strict=True)) for row in rows]
        merge_results(tmp_path / "a.tsv", keyed, ["page"], ["page", "group", "value"], "make gallery")
        table = read_results(tmp_path / "a.tsv")
        return list(zip(table["page"], table["value"], strict=True))

    put(("b", "", 1), ("b", "other", 2), ("a", "", 3))
    assert put(("b", "", 4)) == [("a", 3), ("b", 4)]


def test_numbers_are_rounded_not_cut():
    values = (1234567, 123.6, 12.4, 1.25, 0.0996, 0.00123, 0.0000129, float("nan"))
    assert [small(value) for value in values] == ["1e+06", "124", "12", "1.2", "0.10", "0.0012", "1e-05", "-"]


def test_the_noise_of_a_truth_is_taken_off():
    truth, missed, noise = np.array([[3, 3, -3, -3], [1, -1, -1, 1], [2, -2, 2, -2]], float)  # sums of squares add up
    error = pd.Series([np.sqrt(np.mean(noise**2)) / np.std(truth + noise)])
    noisy = pd.Series([r_squared(truth + noise, truth + missed)])
    assert tables.less_noise(noisy, error)[0] == pytest.approx(r_squared(truth, truth + missed)) == 1 - 1 / 9
    assert tables.less_noise(noisy, 0 * error)[0] == pytest.approx(noisy[0])


def test_what_an_output_costs_is_beside_the_first():
    table = pd.DataFrame({"outputs": [5, 1], "cpu_seconds": [24.0, 20.0], "r2": [0.98, 0.99]})
    assert tables.train_outputs(table)[1:] == [["1", "20", "", "0.990"], ["5", "24", "5.0 %", "0.980"]]


def test_rows_of_seeds_become_means_with_intervals_and_counts():
    table = pd.DataFrame({"k": [3, 4, None], "v": [0.1, 0.2, 0.3]})
    assert mechanism_tables.needed(table["k"]) == "4 (3 to 4), never in 1 of 3 seeds"
    assert mechanism_tables.needed(table["k"][:2]) == "4 (3 to 4)"
    assert mechanism_tables.needed(table["k"][2:]) == "never"
    assert mechanism_tables.over(table["v"], ".2f") == "0.20 (-0.05 to 0.45)"
    seeds = pd.DataFrame(
        [dict.fromkeys(COLUMNS, 0.5) | {"latents": 256, "outputs": 20, "seed": seed} for seed in (0, 1)]
    )
    rows = mechanism_tables.mechanism(seeds)
    assert {len(row) for row in rows} == {3}
    assert rows[0][1] == "value, 2 seeds"
