"""The documentation tells the truth about the tree: files and columns, paths, commands."""

import re
import typing
from pathlib import Path

import numpy as np
import pytest
import yaml

from documented import PAGE, names_in, section_of, undocumented
from shapsketch.comparison import table as comparison
from shapsketch.fidelity.faithfulness import ResidualRecord, Score
from shapsketch.fidelity.on_sequences import SequencesScore
from shapsketch.masks.tables import SCORE_SCHEMA
from shapsketch.models.table_model import TableUse
from shapsketch.motifs import conditions, pwm, tables, tomtom
from shapsketch.recovery.learning_curve import CurvePoint
from shapsketch.sampling.consistency import CheckRecord
from shapsketch.sampling.plan import PlanContent
from shapsketch.sampling.sketch import Rate
from shapsketch.sequences import intervals
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.config import check_config
from shapsketch.spectrum.interaction_tables import INTERACTION_SCHEMA
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import save_spectra
from shapsketch.spectrum.tables import errors_schema, values_schema
from shapsketch.spectrum.terms import Terms
from shapsketch.spectrum.trains import Train
from shapsketch.variants.effects import EFFECT_SCHEMA
from shapsketch.variants.grouping import HAPLOTYPE_SCHEMA, LEFT_OUT_COLUMNS
from shapsketch.variants.haplotypes import PAIR_SCHEMA, VALUE_SCHEMA
from shapsketch.variants.mutations import MUTATION_SCHEMA
from shapsketch.variants.reading import DROPPED_COLUMNS

ROOT = Path(__file__).parents[2]
DOCS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("docs", "docs/how-to", "docs/tutorials", "docs/gallery")
    for path in (ROOT / folder).glob("*.md")
    if path.name != "contributing.md"
)
DOCS += ["docs/reference/files.md", "docs/reference/glossary.md"]
# What the code says that it writes; `test_workflow` and others compare the files themselves.
SCHEMAS = {
    "S/shapley_values.parquet": values_schema(2, folds=True),
    "S/shapley_errors.parquet": errors_schema(2),
    "S/interactions.parquet": INTERACTION_SCHEMA,
    "S/mask_scores.parquet": SCORE_SCHEMA,
    "V/variants.parquet": EFFECT_SCHEMA,
    "V/haplotypes.parquet": VALUE_SCHEMA,
    "S/mutations/mutations.parquet": MUTATION_SCHEMA,
    "V/haplotype_interactions.parquet": PAIR_SCHEMA,
    "V/placed_haplotypes.parquet": HAPLOTYPE_SCHEMA,
}
COLUMNS = {
    "S/sequences.parquet": intervals.COLUMNS,
    "V/dropped.tsv": ["record", "sequence_id", *DROPPED_COLUMNS[1:]],
    "V/haplotypes_left_out.tsv": LEFT_OUT_COLUMNS,
    "S/comparison.tsv": comparison.COLUMNS,
    "results/contribution_differences.tsv": conditions.COLUMNS,
    "S/motifs/motifs.tsv": tables.MOTIF_COLUMNS,
    "S/motifs/placements.tsv": tables.PLACEMENT_COLUMNS,
    "S/motifs/instances.tsv": tables.INSTANCE_COLUMNS,
    "S/motifs/motif_matrices.tsv": pwm.MATRIX_COLUMNS,
    "S/motifs/supports.tsv": tables.SUPPORT_COLUMNS,
    "S/motifs/support_tables.tsv": tables.SUPPORT_TABLE_COLUMNS,
    "S/motifs/tomtom.tsv": tomtom.COLUMNS,
    "spectrum/learning_curve.tsv": list(CurvePoint.__annotations__),
}
RECORDS = {
    "S/faithfulness.json": SequencesScore,
    "spectrum/faithfulness.json": Score,
    "sketch/plan.json": PlanContent,
    "sketch/check.json": CheckRecord,
    "sketch/rate.json": Rate,
}
ADDED = {
    "spectrum/faithfulness.json": {
        "estimator", "weights", "corrected_order", "validation_r2", "tried", "table", "notes", "seconds",
    },
    "sketch/plan.json": {"hash", "evaluations", "table", "notes", "versions"},
    "sketch/check.json": {"compared", "layout_known", "made_from"},
    "sketch/rate.json": {"plan"},
}  # fmt: skip


def matches(patterns, names):
    return len(patterns) == len(names) and all(map(re.fullmatch, patterns, names))


@pytest.mark.parametrize("name", SCHEMAS)
def test_columns_and_types_of_parquet_files_are_documented(name):
    section, schema = section_of(name), SCHEMAS[name]
    assert matches(section.names, schema.names), section.names
    assert section.types == [str(field.type) for field in schema]


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_text_tables_are_documented(name):
    assert matches(section_of(name).names, list(COLUMNS[name])), section_of(name).names


@pytest.mark.parametrize("name", RECORDS)
def test_keys_of_records_are_documented(name):
    keys = set(typing.get_type_hints(RECORDS[name])) | ADDED.get(name, set())
    assert set(section_of(name).names) == keys


@pytest.mark.parametrize(
    "name, record", [("spectrum/faithfulness.json", ResidualRecord), ("sketch/plan.json", TableUse)]
)
def test_keys_of_inner_records_are_documented(name, record):
    assert not [key for key in typing.get_type_hints(record) if f"`{key}`" not in section_of(name).text]


@pytest.mark.parametrize(("version", "trains"), [(1, 0), (2, 2), (3, 1)])
def test_arrays_of_all_versions_of_a_spectrum_are_documented(tmp_path, version, trains):
    template = Template(Alphabet("ACGT"), "NAN")
    background = (
        Background.markov(template, np.ones(4), np.ones((4, 4))) if version == 3 else Background.uniform(template)
    )
    terms = Terms.build(template.sizes, {(0,): np.array([0.5, -0.5, 0.0, 0.0])})
    cores = [np.ones((1, 4, 2)), np.ones((2, 4, 1))]
    steps = [background.steps[0] @ background.steps[1]] if version == 3 else []
    one = Train.of_chain(cores, background.local[0], steps) if steps else Train.build(cores, [np.full(4, 0.25)] * 2)
    made = (one,) * trains
    path = tmp_path / "spectrum.npz"
    save_spectra(
        path, [Spectrum(background, "y", 1.0, terms, {}, made, np.zeros((2, 3), np.uint8) if trains else None)]
    )
    assert int(np.load(path)["version"]) == version
    assert undocumented(path, "spectrum/spectrum.npz") == []
    written = names_in(path)
    later = {1: ("trains", "transitions", "near"), 2: ("means", "transitions"), 3: ()}[version]
    known = [n for n in section_of("spectrum/spectrum.npz").names if not any(word in n for word in later)]
    assert not [name for name in known if not any(re.fullmatch(name, one) for one in written)]


def test_every_output_of_a_rule_is_documented(root):
    """The paths that rules write, with the tables of explanations by their names in common.smk."""
    common = (root / "workflow/rules/common.smk").read_text()
    named = re.findall(r'^(?:    "\w+": |EXPLANATIONS\["\w+"\] = |    EXPLANATIONS\["\w+"\] = )"(\w+)"', common, re.M)
    assert {"shapley_values", "shapley_errors", "aggregates", "mask_scores"} <= set(named)
    rules = "".join(path.read_text() for path in sorted((root / "workflow/rules").glob("*.smk")))
    blocks = re.findall(r"^    output:\n(.*?)^    \w+:", rules, re.M | re.S)
    paths = {path for block in blocks for path in re.findall(r'f?"(results/[^"]+)"', block)}
    assert len(paths) > 40
    lacking = []
    for path in paths:
        for table in named if "{table}" in path else [""]:
            name = path.replace("{table}", table).replace("{{", "{").replace("}}", "}")
            name = name.replace("{scatteritem}", "1-of-2").replace("{round}", "1")
            name = name.replace("{sequences}", "S").replace("{variants}", "V")
            name = re.sub(r"/(1-of-2)\.\w+\.parquet", r"/\1.json", name.removeprefix("results/{model}/"))
            if section_of(name) is None and f"`{name}/" not in PAGE.read_text():
                lacking.append(name)
    assert not lacking, f"docs/reference/files.md says nothing of {lacking}"


def test_no_section_is_of_a_file_that_nothing_writes(root):
    rules = "".join(path.read_text() for path in sorted((root / "workflow/rules").glob("*.smk")))
    heads = re.findall(r"^### `(.*)`", PAGE.read_text(), re.M)
    names = [name for head in heads for name in re.findall(r"[a-z_]+\.(?:tsv|json|npz|meme|bed|html|txt)\b", head)]
    assert len(names) > 25
    written = rules + "onehot.npz unknown.tsv shapley_values.tsv"  # by their scripts
    assert not [name for name in names if name not in written]


def test_figures_of_benchmarks_are_drawn_from_the_tables_of_results(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "docs"))
    from benchmark_figures import FIGURES

    page = (root / "docs/benchmarks.md").read_text()
    assert set(re.findall(r"\(benchmarks/(\w+)\.svg\)", page)) == set(FIGURES)
    for name, draw in FIGURES.items():
        panels = [
            {mark for line in axes.get_lines() for mark in zip(*line.get_data(), strict=True)} for axes in draw().axes
        ]
        assert all(panels) and sum(map(len, panels)) >= 6, f"{name}: hardly anything was read"


PAGES = ["README.md", "CONTRIBUTING.md", "config/README.md", "tests/README.md", "tests/benchmarks/README.md", *DOCS]
PLACES = ("", "workflow", "workflow/scripts", "workflow/scripts/shapsketch", "docs", "tests", "tests/unit")
MADE = (
    r"(\.\./)*(docs/)?((reference/(api|bibliography|benchmarks|bad_input|changelog|config))|contributing|benchmarks/)"
)
OF_RUNS = ("results/", "logs/", "benchmarks/", "resources/models/", "sketch/", "spectrum/", "motifs/", "S/", "V/")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(root, page):
    spans = re.findall(r"(?<!`)`([\w.*/-]+)`(?!`)", (root / page).read_text())
    heads = {path.name for place in PLACES for path in (root / place).iterdir() if path.is_dir()}
    named = {
        span
        for span in spans
        if "/" in span and span.split("/")[0] in heads and not re.search(r"\b[A-Z]{2,}|[.]pin[.]", span)
    }
    lacking = [
        path
        for path in sorted(named)
        if not path.startswith(OF_RUNS) or path.endswith(".py")
        if not any(list((root / place).glob(path)) or (root / place / f"{path}.py").exists() for place in PLACES)
    ]
    assert not lacking, f"{page} names what is not there: {lacking}"


def test_links_between_pages_lead_somewhere(root):
    lacking = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", (root / page).read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
            made = re.match(MADE, target)
            if "://" not in target and not made and not (root / page).parent.joinpath(target).exists():
                lacking.append(f"{page}: {target}")
    assert not lacking


def slugs(path):
    """The anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    heads = re.findall(r"^#+ +(.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_links_to_headings_lead_to_headings(root):
    """Of copies on the site (reference/config, ...) the headings are those of the files that are copied."""
    copies = {"reference/config": "config/README.md", "reference/benchmarks": "tests/benchmarks/README.md"}
    lacking, checked = [], 0
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", (root / page).read_text(), flags=re.M | re.S)
        for target, anchor in re.findall(r"\]\(([^)\s#:]*)#([^)]+)\)", text):
            made = next((file for copy, file in copies.items() if copy in target), None)
            path = root / made if made else (root / page).parent / target if target else root / page
            checked += 1
            if path.suffix == ".md" and anchor not in slugs(path):
                lacking.append(f"{page}: {target}#{anchor}")
    assert checked > 3 and not lacking


def test_walks_of_the_architecture_name_what_is_defined(root):
    """Functions, classes and methods beside the paths of each walk."""
    text = (root / "docs/architecture.md").read_text().partition("## Five walks")[2].partition("\n## ")[0]
    assert text.count("**") == 2 * 5
    code = "".join(path.read_text() for path in (root / "workflow/scripts/shapsketch").rglob("*.py"))
    names = {name for span in re.findall(r"`([A-Za-z_][\w.]*)(?:\([^`]*)?`", text) for name in span.split(".")}
    names -= {"py", *(part for path in re.findall(r"`([\w/.]+\.(?:py|j2))`", text) for part in re.split(r"[./]", path))}
    assert len(names) > 8
    assert not [name for name in names if not re.search(rf"^\s*(?:def|class) {name}\b|^{name}\b", code, re.M)]


def test_every_room_has_its_row(root):
    rows = re.findall(r"^\| (`[^|]*) \|", (root / "docs/architecture.md").read_text(), re.M)
    rooms = {path.parent.name for path in (root / "workflow/scripts/shapsketch").glob("*/__init__.py")}
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == rooms


@pytest.mark.parametrize("path", sorted((ROOT / "docs/gallery").glob("*.yaml")), ids=lambda path: path.name)
def test_configs_of_the_gallery_are_configs(path):
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    check_config(yaml.safe_load(path.read_text()), schema)
    assert f"--configfile docs/gallery/{path.name}" in path.read_text()
