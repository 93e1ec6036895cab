"""The annotated VCF, read by bcftools."""

import gzip
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import yaml
from vcf_cases import CONTIG, HEADER, allele, read, vcf

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.settings.config import check_config
from shapsketch.settings.errors import InputError
from shapsketch.variants.annotated import keys_of, vcf_lines
from shapsketch.variants.effects import EffectAsker
from shapsketch.variants.reading import Placing
from shapsketch.variants.setup import set_up
from variant_cases import random_changes, toy_model


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


def test_the_worked_example_of_a_genome(shared, root, tmp_path, bcftools):
    """BPNet on a megabase of chr1, by the example's config: bcftools reads what it says of hand-made windows."""
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    config = check_config(yaml.safe_load((root / "config/examples/genome_variants.yaml").read_text()), schema)
    entry, settings = config["models"]["ctcf"], config["variants"]["eqtl"]
    source = {**entry["source"], "path": str(shared / "bpnet_ctcf/bpnet_ctcf_weights.npz"), "select": entry["outputs"]}
    template = Template(Alphabet.from_config(entry["alphabet"]), entry["template"])
    model = Model(source, template, list(entry["outputs"]), entry["sketch"]["batch_size"])
    path, genome = tmp_path / "calls.vcf", shared / "genome_chr1/hg38_1m.fa.gz"
    with gzip.open(genome, "rt") as file:
        letters = "".join(line.strip() for line in file if line[0] != ">").upper()
    place = 200_000
    indels = [
        (place, letters[place - 1], letters[place - 1] + "ACG"),
        (place + 50, letters[place + 49 : place + 53], "T"),
    ]
    lines = [f"chr1\t{p}\t.\t{r}\t{a}\t.\t.\t.\n" for p, r, a in indels]
    path.write_text((shared / "genome_chr1/eqtl.vcf").read_text() + "".join(lines))
    setup = set_up(settings, path, genome, template, False)
    kept, dropped = read(path, setup.reference, template, setup.checker.placing)
    assert kept.num_rows == 10 and dropped.empty
    effects = EffectAsker(model, setup.reference, setup.checker.placing)(kept)
    made = tmp_path / "made.vcf"
    lines = vcf_lines(path, [effects], model.outputs, setup.reference.lengths, "test")
    made.write_text("".join(f"{line}\n" for line in lines))
    rows = [
        line.split()
        for line in bcftools("query", "-f", r"%POS %REF %ALT %SHAPSKETCH_DELTA_counts\n", made).splitlines()
    ]
    windows = []
    for position, ref, alt, _ in rows:
        start = int(position) - 1 + len(ref) // 2 - template.n // 2
        changed = letters[: int(position) - 1] + alt + letters[int(position) - 1 + len(ref) :]
        windows += [letters[start : start + template.n], changed[start : start + template.n]]
    values = model(template.alphabet.encode(windows))[:, 0]
    np.testing.assert_allclose([float(row[3]) for row in rows], values[1::2] - values[::2], atol=2e-6)
    assert len({row[3] for row in rows}) == 10


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


def test_a_parquet_table_becomes_the_vcf_that_its_text_becomes(tmp_path):
    changes = random_changes(CONTIG, 5)
    table = pd.DataFrame([("c", p + 1, r, a) for _, p, r, a in changes], columns=["contig", "position", "ref", "alt"])
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    made = []
    for name in ("t.csv", "t.parquet"):
        effects = EffectAsker(toy_model(), GivenSequences({"c": CONTIG}), Placing())(read(tmp_path / name)[0])
        made.append(list(vcf_lines(tmp_path / name, [effects], ["up", "down"], {"c": 2000}, "test")))
    assert made[0] == made[1] and len([line for line in made[1] if line[0] != "#"]) == 5


def test_outputs_keep_names_of_their_own_in_info():
    assert keys_of(["a-b", "a_b", "up"]) == {"a-b": "a_b", "a_b": "a_b_2", "up": "up"}
