"""Files of instances appear whole, or not at all."""

import pandas as pd
import pytest

from shapsketch.motifs.instance_files import instance_files
from shapsketch.motifs.tables import INSTANCE_COLUMNS


def test_both_files_appear_with_what_was_appended_or_neither_does(tmp_path):
    table, bed = tmp_path / "instances.tsv", tmp_path / "instances.bed"
    rows = pd.DataFrame([dict.fromkeys(INSTANCE_COLUMNS, "x")])
    blocks = pd.DataFrame({"chromosome": ["s"], "start": [0], "end": [3]})
    with pytest.raises(RuntimeError), instance_files(table, bed) as write:
        write(rows, blocks)
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with instance_files(table, bed) as write:
        write(rows, blocks)
        write(rows, blocks)
    read = pd.read_csv(table, sep="\t")
    assert tuple(read.columns) == INSTANCE_COLUMNS
    assert len(read) == 2
    assert bed.read_text().splitlines() == ["s\t0\t3"] * 2
