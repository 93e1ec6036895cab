"""Tables of variants: contigs and positions, ProteinGym's.

Covers also: setup.
"""

import numpy as np
import pandas as pd
import pytest
from vcf_cases import CONTIG, PROTEIN, read

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.storage.delimited import to_words
from shapsketch.variants.classes import Truth, without_label
from shapsketch.variants.effects import EffectAsker
from shapsketch.variants.reading import stream_variants
from shapsketch.variants.setup import sequence_of, set_up
from shapsketch.variants.tables import Columns, wild_type
from variant_cases import toy_model

SETTINGS = {"label": "", "score": "", "sequence": "", "strand": "+", "fill": "right", "first": 1}


def test_tables_of_contig_position_ref_and_alt(tmp_path):
    base = CONTIG[499]
    alt = "C" if base == "A" else "A"
    path = tmp_path / "t.tsv"
    path.write_text(
        f"#CHROM\tPos\tREF\tALT\tstrand\tclass\tlog2\nc\t500\t{base}\t{alt}\t-\tbad\t1.5\nc\t500\t{alt}\t{base}\t+\tNA\t\n"
    )
    kept, dropped = read(path, columns=Columns("class", "log2"))
    row = kept.to_pylist()[0]
    assert (row["variant_id"], row["strand"], row["label"], row["score"]) == (f"c:500:{base}>{alt}", "-", "bad", 1.5)
    assert dropped["record"].tolist() == [2]
    path.write_text("contig\tposition\tref\nc\t500\tA\n")
    with pytest.raises(InputError, match="has no column 'alt'; variants need contig, position, ref and alt"):
        read(path)
    path.write_text(f"contig,position,ref,alt\nc,5oo,{base},{alt}\n")
    with pytest.raises(InputError, match="row 1 has '5oo' as its position"):
        read(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_says_that_there_is_none_is_no_label_and_no_haplotype(tmp_path, kind):
    labels = ["1", "0", "NA", "nan", "", "."] if kind == "csv" else [1.0, 0.0, *[np.nan] * 4]
    haplotypes = ["h1", "", "N/A", "NaN", ".", "NA12878"]
    places = [500.0, *range(501, 506)]  # numbers of a column that has had gaps
    refs = [CONTIG[int(p) - 1] for p in places]
    table = pd.DataFrame({"contig": "c", "position": places, "ref": refs})
    table = table.assign(alt=["A" if r != "A" else "C" for r in refs], label=labels, haplotype=haplotypes)
    path = tmp_path / f"t.{kind}"
    if kind == "csv":
        table.astype({"position": int}).to_csv(path, index=False)
    else:
        table.to_parquet(path)
    kept, dropped = read(path, columns=Columns("label"))
    assert dropped.empty and kept["positions"].to_pylist() == [str(int(p)) for p in places]
    assert kept["label"].to_pylist() == ["1", "0", "", "", "", ""]
    assert kept["haplotype"].to_pylist() == ["h1", "", "", "", "", "NA12878"]
    truth = Truth.read(kept.to_pandas())
    assert truth.label == "1" and truth.labelled.tolist() == [True] * 2 + [False] * 4
    assert without_label(truth) == "4 of 6 variants have no label, and are of neither class"
    assert not without_label(Truth.read(kept.to_pandas()[:2]))


def test_labels_that_are_no_whole_numbers_stay_as_they_are():
    assert to_words(pd.Series([0.5, 2.0, np.nan, np.inf, 1e22])) == ["0.5", "2", "", "inf", str(10**22)]
    assert to_words(pd.Series([0.1, 3], dtype=np.float32)) == ["0.1", "3"]
    assert to_words(pd.Series([" a", None, "1.0"])) == ["a", "", "1.0"]


def protein_gym(tmp_path, sequence, mutants, wrong=None):
    rows = []
    for k, mutant in enumerate(mutants):
        letters = list(sequence)
        for part in mutant.split(":"):
            letters[int(part[1:-1]) - 1] = part[-1]
        rows.append((mutant, "".join(letters) if k != wrong else sequence, k / 10, int(k > 1)))
    path = tmp_path / "assay.csv"
    pd.DataFrame(rows, columns=["mutant", "mutated_sequence", "DMS_score", "DMS_score_bin"]).to_csv(path, index=False)
    return path


def test_proteingym_tables_work_as_they_are(tmp_path):
    letters = "ACDEFGHIKLMNPQRSTVWY"
    names = [f"{PROTEIN[k]}{k + 1}{'W' if PROTEIN[k] != 'W' else 'Y'}" for k in (4, 2, 7)]
    mutants = [names[0], f"{names[1]}:{names[2]}"]
    path = protein_gym(tmp_path, PROTEIN, mutants * 2, wrong=3)
    assert wild_type(path) == PROTEIN
    template = Template(Alphabet(letters), "X" * 30)
    setup = set_up(SETTINGS | {"label": "DMS_score_bin", "score": "DMS_score"}, path, None, template, False)
    (kept, dropped), *_ = stream_variants(path, setup.checker, columns=setup.columns, protein=setup.protein)
    assert kept["positions"].to_pylist() == ["5", "3,8", "5"]
    assert kept["score"].to_pylist() == [0.0, 0.1, 0.2] and kept["label"].to_pylist() == ["0", "0", "1"]
    assert kept["start"].to_pylist() == [0] * 3 and kept["end"].to_pylist() == [30] * 3
    assert dropped["reason"].tolist() == ["its mutated_sequence is not the unchanged sequence with these changes"]
    model = toy_model(30, ("y",), letters)
    found = EffectAsker(model, setup.reference, setup.checker.placing)(kept)
    table = pd.read_csv(path)
    values = model(template.alphabet.encode([PROTEIN, *table["mutated_sequence"][:3]]))[:, 0]
    np.testing.assert_allclose(found["delta"].to_numpy(), values[1:] - values[0], rtol=1e-9)
    assert model.evaluations == 4 + 3  # the unchanged sequence and the repeated variant once


def test_a_sequence_that_the_table_says_is_numbered_as_its_variants(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("mutant,mutated_sequence\nM24A:L27R,AKVRAT\nV26W,MKWLAT\n")
    setup = set_up(SETTINGS | {"first": 24}, path, None, Template(Alphabet.from_config("protein"), "XXXXXX"), False)
    assert setup.protein[1] == "MKVLAT" == sequence_of("", path, setup.checker.template.alphabet, 24)
    pieces = stream_variants(path, setup.checker, columns=setup.columns, protein=setup.protein, first=setup.first)
    ((kept, dropped),) = pieces
    assert kept["positions"].to_pylist() == ["1,4", "3"] and dropped.empty
    for first in (1, 27):  # beyond the end; before the beginning, and not counted from the end
        with pytest.raises(InputError, match="row 1 names 'M24A:L27R', which its mutated_sequence does not show"):
            wild_type(path, first)


@pytest.mark.parametrize("width", [20, 30])
def test_the_strand_of_a_gene_is_none_of_its_protein(tmp_path, width):
    template, tables = Template(Alphabet.from_config("protein"), "X" * width), []
    name = f"{PROTEIN[14]}15{'W' if PROTEIN[14] != 'W' else 'Y'}"
    for header, row in (("mutant", name), ("mutant,strand", f"{name},-"), ("mutant,strand", f"{name},forward")):
        path = tmp_path / "t.csv"
        path.write_text(f"{header}\n{row}\n")
        setup = set_up(SETTINGS | {"sequence": PROTEIN}, path, None, template, False)
        ((kept, _),) = stream_variants(path, setup.checker, columns=setup.columns, protein=setup.protein)
        tables.append(kept)
    assert tables[0] == tables[1] == tables[2] and tables[0]["strand"].to_pylist() == ["+"]


def test_a_mutated_sequence_is_whole_whatever_the_window(tmp_path):
    """Longer than the template, or than the unchanged one; of RNA in the letters of DNA."""
    mutants = [f"{PROTEIN[14]}15W", f"{PROTEIN[15]}16W"]
    path, other = tmp_path / "t.csv", protein_gym(tmp_path, PROTEIN, mutants, wrong=1)
    template = Template(Alphabet.from_config("protein"), "X" * 20)
    setup = set_up(SETTINGS, other, None, template, False)
    ((kept, dropped),) = stream_variants(other, setup.checker, columns=setup.columns, protein=setup.protein)
    assert kept["positions"].to_pylist() == ["15"] and kept["start"].to_pylist() == [4]
    assert dropped["reason"].tolist() == ["its mutated_sequence is not the unchanged sequence with these changes"]
    path.write_text(f"mutant,mutated_sequence\np.{PROTEIN[14]}15del,{PROTEIN[:14] + PROTEIN[15:]}\n")
    setup = set_up(SETTINGS | {"sequence": PROTEIN}, path, None, template, False)
    ((kept, dropped),) = stream_variants(path, setup.checker, columns=setup.columns, protein=setup.protein)
    assert kept["alt"].to_pylist() == [""] and dropped.empty
    path.write_text("mutant,mutated_sequence\nA2C,UCGTTA\nA2G,TGGTTC\n")
    setup = set_up(SETTINGS | {"sequence": "TAGTTA"}, path, None, Template(Alphabet("ACGU"), "NNNNNN"), False)
    ((kept, dropped),) = stream_variants(path, setup.checker, columns=setup.columns, protein=setup.protein)
    assert kept["record"].to_pylist() == [1] and dropped["record"].tolist() == [2]
