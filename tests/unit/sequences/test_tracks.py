"""Results in the genome's coordinates, read back."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyBigWig
from interval_cases import CONTIG

from shapsketch.sequences.genome import Genome
from shapsketch.sequences.tracks import instance_bed, interaction_bedpe, write_bigwig
from shapsketch.sequences.windows import reverse_complement, with_places
from shapsketch.storage.parquet import write_parquet
from shapsketch.storage.tsv import bed_text


def windows():
    """Three windows of five letters: forward, reverse and overlapping it, and one that begins before its contig."""
    names = ["c:10-15(+)", "c:30-35(-)", "c:33-38(+)", "d:-2-3(+)"]
    values = np.arange(1.0, 21).reshape(4, 5)
    columns = {"sequence_id": names, "output": ["y"] * 4} | {f"pos_{k + 1}": values[:, k] for k in range(5)}
    return with_places(pa.table(columns)), values


def test_contributions_are_read_back_from_the_bigwig(tmp_path):
    table, values = windows()
    write_parquet(tmp_path / "values.parquet", table)
    assert table.column_names[:5] == ["sequence_id", "contig", "start", "end", "strand"]
    shared_letters = write_bigwig(tmp_path / "y.bw", tmp_path / "values.parquet", "y", {"c": 100, "d": 50})
    assert shared_letters == 2
    with pyBigWig.open(str(tmp_path / "y.bw")) as file:
        assert file.chroms() == {"c": 100, "d": 50}
        np.testing.assert_allclose(file.values("c", 10, 15), values[0])
        expected = np.full(8, np.nan)
        expected[:5], expected[5:] = values[1, ::-1], values[2, 2:]
        expected[3:5] = (values[1, ::-1][3:] + values[2, :2]) / 2
        np.testing.assert_allclose(file.values("c", 30, 38), expected)
        np.testing.assert_allclose(file.values("d", 0, 3), values[3, 2:])
        assert np.isnan(file.values("c", 15, 30)).all() and np.isnan(file.values("d", 3, 50)).all()


def test_instances_and_interactions_are_read_by_bedtools(tmp_path, bedtools):
    table = pd.DataFrame({
        "output": "y", "motif": "M1", "sequence_id": ["c:10-15(+)", "c:30-35(-)"], "start": [2, 2], "end": [3, 3],
        "strand": ["+", "+"], "value": [1.0, -4.0],
    })  # fmt: skip
    bed = instance_bed(table)
    assert bed[["start", "end", "strand", "score"]].values.tolist() == [[11, 13, "+", 250], [32, 34, "-", 1000]]
    path = tmp_path / "i.bed"
    path.write_text(bed_text(bed))
    assert len(bedtools("sort", "-i", path).splitlines()) == 2
    genome = tmp_path / "c.fa"
    genome.write_text(f">c\n{CONTIG}\n")
    Genome(genome)
    texts = bedtools("getfasta", "-s", "-fi", genome, "-bed", path).split()[1::2]
    sequences = [CONTIG[10:15], reverse_complement(CONTIG[30:35])]
    assert texts == [s[1:3] for s in sequences]
    pairs = pd.DataFrame({
        "sequence_id": ["c:10-15(+)", "c:30-35(-)", "c:10-15(+)"], "output": "y", "index": "FSII", "order": [2, 2, 3],
        "positions": ["1,4", "1,4-5", "1,2,3"], "letters": ["AC", "A,CG", "AAA"], "value": [0.5, -0.25, 1.0],
    })  # fmt: skip
    made = interaction_bedpe(pairs)
    assert made.iloc[:, :6].values.tolist() == [["c", 10, 11, "c", 13, 14], ["c", 34, 35, "c", 30, 32]]
    (tmp_path / "i.bedpe").write_text(bed_text(made))
    hit = tmp_path / "hit.bed"
    hit.write_text("c\t13\t14\n")
    assert len(bedtools("pairtobed", "-a", tmp_path / "i.bedpe", "-b", hit).splitlines()) == 1
