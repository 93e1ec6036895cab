"""Variants: what is read, what is left out and why, and effects beside hand-made windows."""

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from mavehgvs import Variant as MaveVariant

from shapsketch.sampling.sketch import shard_range
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import Genome, GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError
from shapsketch.storage.parquet import read_rows, write_parquet
from shapsketch.variants.annotated import keys_of, vcf_lines
from shapsketch.variants.effects import EffectAsker
from shapsketch.variants.hgvs import LETTERS, UnreadableError, parse_protein
from shapsketch.variants.reading import Checker, Placing, stream_variants
from shapsketch.variants.setup import set_up
from shapsketch.variants.tables import Columns, wild_type
from shapsketch.variants.variant import Change, fits
from variant_cases import WIDTH, by_hand, random_changes, random_letters, toy_model

CONTIG = random_letters(2000)
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
DNA = Template(Alphabet("ACGT"), "N" * WIDTH)
PROTEIN = random_letters(30, 5, "ACDEFGHIKLMNPQRSTVWY")


def read(path, reference=None, template=DNA, placing=None, columns=None, reads_unknown=False, **settings):
    checker = Checker(reference or GivenSequences({"c": CONTIG}), template, placing or Placing(), reads_unknown)
    pieces = stream_variants(path, checker, columns=columns or Columns(), **settings)
    kept, dropped = zip(*pieces, strict=True)
    return pa.concat_tables(kept), pd.concat(dropped, ignore_index=True)


def vcf(tmp_path, *lines, header=HEADER):
    path = tmp_path / "calls.vcf"
    path.write_text(header + "".join("\t".join(map(str, line)) + "\n" for line in lines))
    return path


def allele(position, ref=None, alt=None, name=".", contig="c"):
    ref = ref or CONTIG[position - 1]
    return contig, position, name, ref, alt or ("A" if ref != "A" else "C"), ".", ".", "."


@pytest.mark.parametrize("strand", "+-")
@pytest.mark.parametrize("fill", ["right", "left"])
def test_effects_are_those_of_hand_made_windows(tmp_path, strand, fill):
    changes = random_changes(CONTIG, 100)
    path = vcf(tmp_path, *(allele(p + 1, ref, alt, kind) for kind, p, ref, alt in changes))
    model, placing = toy_model(), Placing(strand, fill)
    kept, dropped = read(path, placing=placing)
    assert len(dropped) == 0 and kept.num_rows == 100
    found = EffectAsker(model, GivenSequences({"c": CONTIG}), placing)(kept).to_pandas()
    for k, (_, position, ref, alt) in enumerate(changes):
        start = position + len(ref) // 2 - WIDTH // 2
        own = found.iloc[2 * k : 2 * k + 2]
        assert (own["start"] == start).all() and (own["end"] == start + WIDTH).all()
        windows = [by_hand(CONTIG, start, WIDTH, c, fill, strand) for c in ([], [(position, ref, alt)])]
        values = model(DNA.alphabet.encode(windows))
        assert own["output"].tolist() == ["up", "down"]
        np.testing.assert_allclose(own[["ref_value", "alt_value"]].to_numpy().T, values, rtol=1e-12)
        np.testing.assert_allclose(own["delta"], values[1] - values[0], rtol=1e-9)


def test_every_allele_of_a_line_is_a_row_or_has_its_reason(tmp_path):
    base = CONTIG[499]
    others = [a for a in "ACGT" if a != base]
    path = vcf(
        tmp_path,
        allele(500, base, ",".join(others), "multi"),
        *(allele(500, base, alt, f"x{k}") for k, alt in enumerate(["<DEL>", "*", "N[c:7[", "]c:7]N", f".{base}"])),
        *(allele(500, base, alt, f"x{k}") for k, alt in enumerate([".", "Q", base], 5)),
        allele(500, others[0], base, "wrong"),
        allele(2001, "A", "C", "outside"),
        allele(500, base, others[0], "contig", contig="d"),
        allele(3, None, None, "end"),
        allele(1997, None, None, "end"),
        allele(500, CONTIG[499:545], "A", "long"),
        allele(500, base, base + "A" * 30, "longer"),
        allele(600, CONTIG[599].lower(), "a" if CONTIG[599] != "A" else "c", "lower"),
        allele(500, ".", "A", "nothing"),
    )  # fmt: skip
    kept, dropped = read(path)
    assert kept["variant_id"].to_pylist() == ["multi"] * 3 + ["lower"]
    assert kept["allele"].to_pylist() == [1, 2, 3, 1]
    assert kept["alt"].to_pylist()[:3] == others
    reasons = dict(zip(dropped["variant_id"], dropped["reason"], strict=True))
    expected = {
        "x0": "the allele <DEL> is symbolic", "x1": "another line deletes this place",
        "x2": "breakend", "x3": "breakend", "x4": "breakend", "x5": "no alternative allele",
        "x6": "ALT is 'Q', which is not letters of DNA",
        "x7": "ALT is the same as REF", "wrong": f"REF is {others[0]}, and the genome has {base} there",
        "outside": "position 2001 is not in c, which has 2000 letters", "contig": "the genome has no contig 'd'",
        "end": "goes beyond c, which has 2000 letters", "long": "do not fit into the window",
        "longer": "do not fit into the window", "nothing": "REF is '.', which is not letters of DNA",
    }  # fmt: skip
    assert reasons.keys() == expected.keys()
    for name, text in expected.items():
        assert text in reasons[name], name
    wrong = dropped[dropped["variant_id"] == "wrong"].iloc[0]
    assert (wrong["record"], wrong["contig"], wrong["positions"], wrong["genome"]) == (12, "c", "500", base)


def test_flipped_alleles_are_refused_line_by_line(shared, tmp_path):
    genome, folder = Genome(shared / "genome_chr1/hg38_1m.fa.gz"), shared / "genome_chr1"
    kept, dropped = read(folder / "eqtl.vcf", genome)
    assert kept.num_rows == 8 and dropped.empty
    lines = [line.split("\t") for line in (folder / "eqtl_flip.vcf").read_text().splitlines()[1:]]
    assert len(lines) == 8
    both = tmp_path / "both.vcf"
    both.write_text((folder / "eqtl_flip.vcf").read_text() + (folder / "snp.vcf").read_text().splitlines()[1] + "\n")
    kept, dropped = read(both, genome)
    assert kept.num_rows == 1
    for number, (line, row) in enumerate(zip(lines, dropped.itertuples(), strict=True), 2):
        assert (row.record, row.contig, row.positions, row.ref, row.genome) == (
            number,
            "chr1",
            line[1],
            line[3],
            line[4],
        )
        assert row.reason == f"REF is {line[3]}, and the genome has {line[4]} there"
    with pytest.raises(InputError, match="all 8 variants are left out; the first one because REF is A, and the genome"):
        read(folder / "eqtl_flip.vcf", genome)


def test_unknown_letters_follow_the_rule(tmp_path):
    contig = CONTIG[:490] + "N" + CONTIG[491:]
    path = vcf(tmp_path, allele(500), allele(600))
    reference = GivenSequences({"c": contig})
    kept, dropped = read(path, reference)
    assert kept.num_rows == 1
    assert re.search(r"window c:479-519\(\+\) has 'N' at position 12, an ambiguous letter", dropped["reason"][0])
    with pytest.raises(InputError, match="record 3 .*ambiguous letter; leave it out, or set ambiguous to drop"):
        read(path, reference, ambiguous="error")
    kept, dropped = read(path, reference, reads_unknown=True)
    assert kept.num_rows == 2 and dropped.empty
    kept, _ = read(vcf(tmp_path, allele(3)), reference, reads_unknown=True)
    assert kept["start"].to_pylist() == [-18]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("c 500 . A C\n", "line 3 has 1 columns separated by tabs"),
        ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\nc\t5\t.\tA\tC\n", "names 10"),
        ("c\tx\t.\tA\tC\n", "line 3 has 'x' as its position"),
        ("", "holds no variants"),
    ],
)
def test_a_broken_vcf_is_told_in_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "calls.vcf"
    path.write_text((HEADER if text[:1] != "#" else HEADER[:21]) + text)
    with pytest.raises(InputError, match=sentence):
        read(path)


def test_pieces_do_not_change_what_is_read(tmp_path, monkeypatch):
    path = vcf(tmp_path, *(allele(p + 1, r, a) for _, p, r, a in random_changes(CONTIG, 50)), allele(5))
    whole = read(path)
    monkeypatch.setattr("shapsketch.variants.reading.LETTERS_AT_ONCE", 7 * WIDTH)
    again = read(path)
    assert whole[0].to_pylist() == again[0].to_pylist()
    pd.testing.assert_frame_equal(whole[1], again[1], check_dtype=False)


@pytest.mark.parametrize("shards", [1, 3, 8])
def test_effects_do_not_depend_on_the_number_of_shards(tmp_path, shards):
    path = vcf(tmp_path, *(allele(p + 1, r, a) for _, p, r, a in random_changes(CONTIG, 100)))
    kept, _ = read(path)
    model = toy_model(batch_size=7)
    write_parquet(tmp_path / "placed.parquet", kept)
    asker, tables = EffectAsker(model, GivenSequences({"c": CONTIG}), Placing()), []
    for shard in range(1, shards + 1):
        start, stop = shard_range(kept.num_rows, 7, shard, shards)
        tables += map(asker, read_rows(tmp_path / "placed.parquet", start, stop, 7))
    whole = pa.concat_tables(asker(kept.slice(k, 7)) for k in range(0, 100, 7))
    assert pa.concat_tables(tables).combine_chunks().equals(whole.combine_chunks())


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


def three(letter):
    return next(word for word, one in LETTERS.items() if one == letter)


def test_names_of_proteins_mean_what_mavehgvs_says():
    rng = np.random.default_rng(2)
    for _ in range(60):
        a, b = sorted(rng.choice(len(PROTEIN) - 1, 2, replace=False).tolist())
        first, last, new = three(PROTEIN[a]), three(PROTEIN[b]), three(rng.choice(list("ACDEFGHIKLMNPQRSTVWY")))
        after = three(PROTEIN[a + 1])
        names = {
            f"p.{first}{a + 1}{new}": (a, PROTEIN[a], LETTERS[new]),
            f"p.{first}{a + 1}_{last}{b + 1}del": (a, PROTEIN[a : b + 1], ""),
            f"p.{first}{a + 1}del": (a, PROTEIN[a], ""),
            f"p.{first}{a + 1}_{last}{b + 1}delins{new}{first}": (a, PROTEIN[a : b + 1], LETTERS[new] + PROTEIN[a]),
            f"p.{first}{a + 1}_{after}{a + 2}ins{new}{last}": (a + 1, "", LETTERS[new] + PROTEIN[b]),
            f"p.{first}{a + 1}_{last}{b + 1}dup": (b + 1, "", PROTEIN[a : b + 1]),
        }
        for name, expected in names.items():
            if "Val1" in name or new == first:
                continue
            oracle = MaveVariant(name)
            places = oracle.positions if isinstance(oracle.positions, tuple) else (oracle.positions,)
            (change,) = parse_protein(name, PROTEIN)
            assert change == Change(*expected)
            assert {p.position for p in places} <= {a + 1, b + 1, a + 2}
            kind = oracle.variant_type
            inserted = oracle.sequence[-1] if isinstance(oracle.sequence, tuple) else oracle.sequence
            if kind in ("sub", "ins", "delins"):
                assert "".join(LETTERS[w] for w in re.findall("[A-Z][a-z]{2}", inserted)) == change.alt
            assert parse_protein(f"p.({name[2:]})", PROTEIN) == (change,) == parse_protein(f"NP_1.2:{name}", PROTEIN)


def test_lists_of_changes_and_what_cannot_be_read():
    a, b, c = PROTEIN[0], PROTEIN[6], PROTEIN[9]
    both = parse_protein(f"{b}7W:{a}1Y", PROTEIN)
    assert both == (Change(0, a, "Y"), Change(6, b, "W"))
    assert parse_protein(f"p.[{three(a)}1Tyr;{three(b)}7Trp]", PROTEIN) == both
    assert parse_protein("p.=", PROTEIN) == () == parse_protein(f"{c}10=", PROTEIN)
    assert parse_protein(f"{a}101Y", PROTEIN, first=101) == (Change(0, a, "Y"),)
    wrong = "W" if a != "W" else "Y"
    for name, sentence in {
        f"{wrong}1A": f"the sequence has {a} at position 1, not {wrong}",
        "A99C": "position 99 is not in the sequence, whose letters are numbered 1 to 30",
        f"{a}1fs": "a shift of the frame", "p.?": "unknown", "c.76A>T": "is no name of a protein variant",
        f"{a}1Y:{a}1W": "changes the same place twice",
    }.items():  # fmt: skip
        with pytest.raises(UnreadableError, match=re.escape(sentence)):
            parse_protein(name, PROTEIN)


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
    settings = {
        "label": "DMS_score_bin",
        "score": "DMS_score",
        "sequence": "",
        "strand": "+",
        "fill": "right",
        "first": 1,
    }
    setup = set_up(settings, path, None, template, False)
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


def test_what_fits_is_what_leaves_all_new_letters_in_the_window():
    insertion = (Change(5, "A", "ACGT"),)
    assert fits(insertion, 0, 9) and not fits(insertion, 0, 8)
    assert fits(insertion, 2, 6, "left") and not fits(insertion, 3, 9, "left")
    assert not fits((Change(5, "A", "ACGT"), Change(7, "ACGT", "A")), 0, 10)
    assert fits((Change(5, "A", "ACGT"), Change(7, "ACGT", "A")), 0, 14)


@pytest.fixture
def bcftools():
    if not shutil.which("bcftools"):
        pytest.skip("bcftools is not installed (apt-get install bcftools)")

    def run(*arguments):
        done = subprocess.run(["bcftools", *map(str, arguments)], capture_output=True, text=True, check=True)
        assert not done.stderr, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("header", ["", "##fileformat=VCFv4.2\n", HEADER])
def test_the_annotated_vcf_is_read_by_bcftools_without_a_warning(tmp_path, bcftools, header):
    base = CONTIG[499]
    others = [a for a in "ACGT" if a != base]
    lines = [
        (*allele(500, base, f"{others[0]},<DEL>,{others[1]}", "multi")[:7], "AC=3;DB;X=a b"),
        (*allele(700, None, None, "single")[:6], "low", "."),
        allele(900, others[0] if CONTIG[899] != others[0] else others[1], "ACA", "wrong"),
    ]
    path = vcf(tmp_path, *lines, header=header or HEADER.replace("INFO\n", "INFO\tFORMAT\ts1\n"))
    if not header:
        text = path.read_text().replace("\tlow\t.", "\tlow\t.\tGT:DP\t0|1:7").replace("a b", "a\tGT\t0/1")
        path.write_text(f"{text.rstrip()}\tGT\t0/0\n")
    kept, _ = read(path)
    effects = EffectAsker(toy_model(outputs=("up", "a-b")), GivenSequences({"c": CONTIG}), Placing())(kept)
    made = tmp_path / "made.vcf"
    texts = vcf_lines(path, [effects.slice(0, 3), effects.slice(3)], ["up", "a-b"], {"c": 2000}, "test")
    made.write_text("".join(f"{line}\n" for line in texts))
    query = r"%ID\t%SHAPSKETCH_DELTA_up\t%SHAPSKETCH_ALT_a_b\t%SHAPSKETCH_LEFT_OUT\t%FILTER\n"
    rows = [line.split("\t") for line in bcftools("query", "-f", query, made).splitlines()]
    table = effects.to_pandas()
    deltas = table[table["output"] == "up"].set_index(["variant_id", "allele"])["delta"]
    first, _, third = rows[0][1].split(",")
    assert rows[0][1].split(",")[1] == "." and rows[0][3] == "1" and rows[1][3] == "."
    np.testing.assert_allclose([float(first), float(third)], deltas["multi"][[1, 3]], rtol=1e-5)
    assert float(rows[1][1]) == pytest.approx(deltas["single"][1], rel=1e-5)
    assert rows[1][4] == "low" and rows[2][1:4] == [".", ".", "1"]
    assert "##contig=<ID=c,length=2000>" in bcftools("view", "-h", made)
    again = tmp_path / "again.vcf"
    with pytest.raises(InputError, match="has changed: its line"):
        list(vcf_lines(made, [effects], ["up", "a-b"], {"c": 2000}, "test"))
    effects = EffectAsker(toy_model(outputs=("up", "a-b")), GivenSequences({"c": CONTIG}), Placing())(read(made)[0])
    again.write_text("".join(f"{line}\n" for line in vcf_lines(made, [effects], ["up", "a-b"], {"c": 2000}, "test")))
    assert bcftools("view", "-H", again) == bcftools("view", "-H", made)


def test_a_table_becomes_a_vcf_too(tmp_path, bcftools):
    path = tmp_path / "t.csv"
    changes = random_changes(CONTIG, 5)
    path.write_text("contig,position,ref,alt\n" + "".join(f"c,{p + 1},{r},{a}\n" for _, p, r, a in changes))
    effects = EffectAsker(toy_model(), GivenSequences({"c": CONTIG}), Placing())(read(path)[0])
    made = tmp_path / "made.vcf"
    lines = vcf_lines(path, [effects.slice(0, 4), effects.slice(4)], ["up", "down"], {"c": 2000}, "test")
    made.write_text("".join(f"{line}\n" for line in lines))
    rows = [
        line.split() for line in bcftools("query", "-f", r"%POS %REF %ALT %SHAPSKETCH_DELTA_down\n", made).splitlines()
    ]
    assert [row[:3] for row in rows] == [[str(p + 1), r, a] for _, p, r, a in changes]
    np.testing.assert_allclose([float(row[3]) for row in rows], effects["delta"].to_numpy()[1::2], rtol=1e-5)


def test_outputs_keep_names_of_their_own_in_info():
    assert keys_of(["a-b", "a_b", "up"]) == {"a-b": "a_b", "a_b": "a_b_2", "up": "up"}


MODEL = {"source": {"kind": "builtin", "function": "microhomology"}, "alphabet": "DNA", "template": "NNNN"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "x"}, "names the model 'x' in variants.v, which is not under models: m, p"),
        ({"model": "t"}, "The config has variants.v, which asks the model, but models.t is a table"),
        ({"model": "p", "genome": "g.fa"}, "gives variants.v a genome, but the alphabet of models.p is protein"),
        ({"genome": "g.fa", "sequence": "ACGT"}, "gives variants.v a genome and a sequence; leave one of them out"),
        ({"strand": "-"}, "sets variants.v.strand: '-', which needs a genome"),
        ({"strand": "reverse"}, "has 'reverse' at variants.v.strand; use one of \\+, -"),
        ({"genome": "g.fa"}, "The file calls.vcf of variants.v does not exist"),
        ({"beside": ["x"]}, "names the model 'x' in variants.v, which is not under models"),
        ({"beside": ["m"]}, "names the model 'm' twice in variants.v; leave it out of beside"),
        ({"beside": ["p"]}, "names the model 'p' in variants.v.beside, whose letters are protein, while those of "
                            "models.m are DNA"),
        ({"predictors": ["esm"]}, "sets variants.v.predictors, which is scored against a label or a score"),
        ({"label": "y", "genome": "g.fa", "alignment": {"path": "a.fa"}}, "sets variants.v.alignment, which is of a "
                                                                          "sequence, and not of a genome"),
        ({"label": "y", "conservation": "c.bw"}, "sets variants.v.conservation, a track of a genome, without a genome"),
        ({"fil": "left"}, "has an unknown key 'fil' under variants.v; did you mean 'fill'?"),
    ],
)  # fmt: skip
def test_mistakes_in_the_config_are_one_sentence(root, changes, sentence):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    models = {
        "m": MODEL,
        "p": {**MODEL, "alphabet": "protein"},
        "t": {**MODEL, "source": {"kind": "table", "path": "pyproject.toml"}},
    }
    models["p"] = {**models["p"], "template": "XXXX"}
    config = {"models": models, "variants": {"v": {"path": "calls.vcf", "model": "m", **changes}}}
    with pytest.raises(InputError, match=sentence):
        check_names(check_config(config, schema))


def test_a_config_needs_sequences_or_variants(root):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    assert (
        check_config({"models": {"m": MODEL}, "variants": {"v": {"path": "a", "model": "m"}}}, schema)["sequences"]
        == {}
    )
    with pytest.raises(InputError, match="has nothing at sequences; it must be sets of sequences by name"):
        check_config({"models": {"m": MODEL}, "sequences": {}}, schema)
