"""Numbers on pages, in tables and in sentences, are those of files that benchmarks wrote.

Covers also what `benchmarks.numbers` says of sentences.
"""

import inspect
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from benchmarks import long_tables, mechanism_tables, methods, near, numbers, result_files, tables
from benchmarks.mechanism import COLUMNS
from benchmarks.result_files import FOLDER, merge_results, read_results
from benchmarks.tables import PAGES, TABLES, filled, render, small
from shapsketch.spectrum.metrics import r_squared

EARLIER = re.compile(r"^#+ [^\n]*\b[Mm]easured\b.*?(?=^#+ |\Z)", re.M | re.S)
# Versions of software, and the level of intervals.
NOT_MEASURED = re.compile(
    r"(?:Python|shapiq|shapzero|pooch|version|[Ff]rom|to|since|until|sketches of) \d+\.\d[\d.]*|95 % interval|\(95 %\)"
)
MEASURED = re.compile(r"(?<![\w./-])[-+\u2212]?\d[\d,]*\.\d+(?![\w./])|\d %|\d (?:s|MB|minutes|seconds)\b")


@pytest.mark.parametrize("page", PAGES)
def test_what_was_measured_stands_in_a_file_of_results(root, page):
    """Decimals, percentages and seconds that are neither code nor a cell of a file stand under a heading for such."""
    text = (root / page).read_text()
    text = re.sub(r"<!-- table: .*? -->\n+(?:\|.*\n)+", "", numbers.MARK.sub("", text))
    text = EARLIER.sub("", re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.M | re.S))
    kept = [(line, MEASURED.findall(NOT_MEASURED.sub("", line))) for line in text.splitlines()]
    assert not [(line, values) for line, values in kept if values], "mark it, or say that it was measured earlier"


def test_a_mark_begins_no_line_for_that_would_end_the_paragraph(root):
    marked = re.compile(r"^[ \t]*" + numbers.MARK.pattern, re.M)
    assert not [page for page in PAGES if marked.search((root / page).read_text())]


@pytest.mark.parametrize("page", PAGES)
def test_tables_of_a_page_are_made_of_the_files_of_results(root, page):
    text = (root / page).read_text()
    assert filled(text) == text, "run `make tables`, or the benchmark again"


def test_every_table_stands_on_a_page_and_every_file_is_shown(root):
    marks = Counter(name for page in PAGES for name in re.findall(r"<!-- table: (\w+) -->", (root / page).read_text()))
    assert set(marks) == set(TABLES)
    lines = {name for page in PAGES for name in numbers.LINES.findall((root / page).read_text())}
    assert {path.stem for path in FOLDER.glob("*")} == {stem for stem, _ in TABLES.values()} | lines


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*")), ids=lambda path: path.name)
def test_files_say_how_they_were_made(path):
    head = re.match(r"# command: (.+)\n# commit: (.*)\n# machine: (.*)\n", path.read_text())
    assert head and head[1].startswith("make ")
    table = read_results(path)
    assert len(table) and {"commit", "machine"} <= set(table.columns)
    assert set(table["commit"]) == set(head[2].split(", "))


def test_near_queries_are_measured_on_the_function_of_their_page(root):
    page = (root / "docs/how-to/near.md").read_text()
    assert inspect.getsource(near.usage) in page
    assert inspect.getsource(near.make_sites).split("return ")[1].strip() in page
    assert f"budget={near.BUDGET}," in page


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


def test_a_method_from_more_evaluations_than_ours_is_held_against_ours_from_fewer():
    run = {"model": "sprout", "spread": 200}
    errors = {("shapsketch", 64): 0.01, ("kernel_shap", 64): 7.0, ("kernel_shap", 256): 0.009, ("fastshap", 64): 0.002}
    rows = [run | {"method": name, "evaluations": count, "error": e} for (name, count), e in errors.items()]
    assert tables.methods_all(pd.DataFrame(rows)) == [
        ["method", "sprout, 64, 256 of 200"],
        ["shapsketch", "0.010, -"],
        ["KernelSHAP", "7.0, **0.0090**"],
        ["FastSHAP", "**0.0020**, -"],
    ]


def test_a_run_that_is_measured_again_loses_all_its_rows(tmp_path):
    def put(*rows):
        keyed = [dict(zip(("page", "group", "value"), row, strict=True)) for row in rows]
        merge_results(tmp_path / "a.tsv", keyed, ["page"], ["page", "group", "value"], "make gallery")
        table = read_results(tmp_path / "a.tsv")
        return list(zip(table["page"], table["value"], strict=True))

    put(("b", "", 1), ("b", "other", 2), ("a", "", 3))
    assert put(("b", "", 4)) == [("a", 3), ("b", 4)]


@pytest.fixture
def scores(tmp_path, monkeypatch):
    rows = [
        {"case": "network", "n": 1, "r2": 0.99251, "share": 0.994},
        {"case": "network", "n": 2, "r2": 0.5, "share": 0.92},
        {"case": "other one", "n": 1000, "r2": None, "share": 0.00123},
    ]
    merge_results(tmp_path / "scores.tsv", rows, ["case", "n"], list(rows[0]), "make scores")
    monkeypatch.setattr(numbers, "FOLDER", tmp_path)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("scores.r2 case=network .2f", "0.99, 0.50"),
        ("scores.r2 case=network n=2 .2f", "0.50"),
        ("scores.share case=network min .0%", "92 %"),
        ("scores.share case='other one' small", "0.0012"),
        ("scores.n max ,d", "1,000"),
        ("scores.n case=network count d", "2"),
    ],
)
def test_a_number_in_a_sentence_is_that_of_its_cells(scores, claim, text):
    page = f"It has <!-- {claim} -->99.9<!-- --> of all, and 7.5 of others.\n"
    assert filled(page) == page.replace("99.9", text)
    assert filled(filled(page)) == filled(page)


@pytest.mark.parametrize("claim", ["scores.r2 n=7 .2f", "scores.r1 .2f", "scores.r2 n=1000 .2f", "scores.r2 k=1 .2f"])
def test_a_number_of_no_cell_is_an_error(scores, claim):
    with pytest.raises(LookupError, match="no number for"):
        filled(f"It has <!-- {claim} -->0.99<!-- -->.\n")


def test_lines_of_a_terminal_are_those_of_a_file(tmp_path, monkeypatch):
    rows = [
        {"page": "a", "place": k, "line": line} for k, line in enumerate(['a "b" x', "  R2 0.997, 5 %", "  open c"])
    ]
    merge_results(tmp_path / "first.tsv", rows, ["page"], list(rows[0]), "make gallery")
    monkeypatch.setattr(numbers, "FOLDER", tmp_path)
    page = "ends with\n\n<!-- lines: first -->\n\n```\nold\n\nlines\n```\nand\n\n```\nother\n```\n"
    assert filled(page) == page.replace("old\n\nlines", 'a "b" x\n  R2 0.997, 5 %\n  open c')


def test_runs_at_the_same_time_lose_no_rows(tmp_path, monkeypatch):
    write = result_files.write_text
    monkeypatch.setattr(result_files, "write_text", lambda path, text: (time.sleep(0.01), write(path, text)))
    monkeypatch.setattr(result_files, "commit", lambda: "1234567")

    def measure(model):
        for value in range(3):
            merge_results(tmp_path / "a.tsv", [{"model": model, "n": value}], ["model", "n"], ["model", "n"], "make a")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(measure, "abcd"))
    table = read_results(tmp_path / "a.tsv")
    assert list(zip(table["model"], table["n"], strict=True)) == [(model, n) for model in "abcd" for n in range(3)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tsv"]


def test_ratios_stand_in_our_row_alone(tmp_path):
    run = {"model": "sprout", "output": "y", "evaluations": 64, "spread": 200}
    for name, error in {"kernel_shap": 7.0, "shapsketch": 0.01, "deep_shap": 0.1, "fastshap": 0.02}.items():
        row = run | {"method": name, "error": error}
        merge_results(tmp_path / "m.tsv", [row], methods.KEY, methods.COLUMNS, "make m", methods.with_ratios)
    table = read_results(tmp_path / "m.tsv").set_index("method")
    assert table["best_peer"].dropna().to_dict() == {"shapsketch": "fastshap"}
    assert table["over_best_peer"].dropna().to_dict() == {"shapsketch": pytest.approx(0.5)}


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


def test_a_game_has_recall_where_its_interactions_are_known_and_a_dash_where_a_method_has_no_answer():
    run = {"budget": 4000, "seconds": 0.314}
    rows = [
        run | {"case": "network", "players": 100, "method": "shapsketch", "r2": 0.98},
        run | {"case": "products", "players": 1000, "method": "shapsketch", "r2": 0.5, "r2_values": 0.8, "recall": 0.9},
        run | {"case": "products", "players": 200, "method": "shapsketch", "r2": 1, "r2_values": 1, "recall": 1},
        {"case": "products", "players": 200, "method": "shapiq SPEX", "note": "the budget is too small"},
    ]
    assert long_tables.masks(pd.DataFrame(rows)) == [
        ["game", "players", "budget", "`auto`", "`dividends`", "`regression`", "SPEX", "ProxySPEX"],
        ["products", "200", "4,000", "1.000, 1.000, 1.00, 0.31 s", "-", "-", "-", "-"],
        ["", "1,000", "4,000", "0.500, 0.800, 0.90, 0.31 s", "-", "-", "-", "-"],
        ["network", "100", "4,000", "0.980, 0.31 s", "-", "-", "-", "-"],
    ]


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
