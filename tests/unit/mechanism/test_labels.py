"""Labels of letters from TSV and BED files."""

import numpy as np
import pytest

from shapsketch.mechanism.labels import read_labels
from shapsketch.settings.errors import InputError

IDS = ["a", "b", "c"]


def read(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return read_labels(tmp_path / name, "site", IDS, 6)


def test_tables_and_bed_files_say_the_same(tmp_path):
    tsv = "sequence_id\tstart\tend\tconcept\na\t2\t3\tloop\nc\t1\t6\tstem\na\t3\t4\tloop\nb\t6\t6\tloop\n"
    bed = "track name=x\na\t1\t3\tloop\t0\t+\nc\t0\t6\tstem\n\na\t2\t4\tloop\nb\t5\t6\tloop\n"
    wanted = {"site.loop": ["011100", "000001", "000000"], "site.stem": ["000000", "000000", "111111"]}
    for name, text in [("x.tsv", tsv), ("x.bed", bed)]:
        found = read(tmp_path, name, text)
        assert {key: ["".join(map(str, row)) for row in one.astype(int)] for key, one in found.items()} == wanted


def test_single_positions_and_files_without_names(tmp_path):
    found = read(tmp_path, "x.tsv", "sequence_id\tposition\nb\t2\nb\t5\n")
    assert list(found) == ["site"]
    assert np.argwhere(found["site"]).tolist() == [[1, 1], [1, 4]]
    assert list(read(tmp_path, "x.bed", "b\t1\t2\n")) == ["site"]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("x.tsv", "sequence_id\tstart\tend\na\t1\t2\nd\t1\t2\n", "line 3: names the sequence 'd', which is not among"),
        ("x.tsv", "sequence_id\tstart\tend\na\t0\t2\n", "line 2: labels letters 0 to 2, and a sequence has 6"),
        ("x.tsv", "sequence_id\tstart\tend\na\t3\t2\n", "line 2: labels letters 3 to 2"),
        ("x.tsv", "sequence_id\tstart\tend\na\t1\tx\n", "line 2: has no whole numbers as places: '1' to 'x'"),
        ("x.tsv", "sequence_id\tstart\tend\na\t1\t2.5\n", "no whole numbers as places: '1' to '2.5'"),
        ("x.tsv", "sequence_id\tstart\na\t1\n", "has no column 'end'"),
        ("x.tsv", "sequence_id\tstart\tend\n", "labels no letter"),
        ("x.tsv", "", "cannot be read as a table"),
        ("x.bed", "# x\na\t5\t7\n", "line 2: labels letters 5 to 7, and a sequence has 6"),
        ("x.bed", "a 1 2\n", "line 1: a BED line needs 3 fields separated by tabs, and this has 1"),
        ("x.bed", "", "labels no letter"),
    ],
)
def test_mistakes_are_told(tmp_path, name, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, name, text)


def test_ids_that_are_not_unique_are_refused(tmp_path):
    (tmp_path / "x.bed").write_text("a\t1\t2\n")
    with pytest.raises(InputError, match="two of the sequences have one id"):
        read_labels(tmp_path / "x.bed", "site", ["a", "a"], 6)
