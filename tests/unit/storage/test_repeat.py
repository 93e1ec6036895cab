"""A repeated run finds its inputs, and says what is not as it was."""

import pytest

from shapsketch.settings.errors import InputError
from shapsketch.storage.repeat import compare, differences, lay_out, load_record


def test_a_repeated_run_finds_its_inputs_where_the_config_names_them(record, tmp_path):
    folder = lay_out(record, tmp_path / "run", tmp_path / "again")
    assert (folder / "../model.csv").read_text() == "model.csv"
    assert (folder / "s.fa").read_text() == "run/s.fa"
    assert folder.is_relative_to(tmp_path / "again")
    assert (folder / "../model.csv").resolve().parent == tmp_path
    assert compare(record, folder) == ["s/report.html"]
    (folder / "results/m/s").mkdir(parents=True)
    (folder / "results/m/s/report.html").write_text("run/s.fa")
    assert compare(record, folder) == []


def test_an_input_that_is_named_in_two_ways_is_linked_once(record, tmp_path):
    sha256 = record["inputs"]["s.fa"]
    record["inputs"] |= {"./s.fa": sha256, "../run/s.fa": sha256}
    folder = lay_out(record, tmp_path / "run", tmp_path / "again")
    assert (folder / "s.fa").read_text() == "run/s.fa"


def test_what_is_not_as_it_was_is_told(record, tmp_path):
    (sentence,) = differences(record, tmp_path / "run")
    assert sentence.startswith("Not as it was for the report: numpy 1.0 -> ")
    (tmp_path / "run/s.fa").write_text("other")
    with pytest.raises(InputError, match=r"s.fa is not the file that was read: its SHA-256 was"):
        differences(record, tmp_path / "run")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 0, "results": {}}'])
def test_other_files_are_no_provenance(tmp_path, text):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(InputError):
        load_record(tmp_path / "p.json")
