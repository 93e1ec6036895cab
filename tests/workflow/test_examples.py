"""The worked configs in config/examples, run together on small budgets: each must find the biology that is known."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from motif_cases import aggregated, random_texts

from shapsketch.spectrum.spectrum import Spectrum
from workflow.helpers import ROOT, Workspace

EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))
BUDGETS = {
    "microhomology": 6_000,
    "deepspcas9": 4_000,
    "gb1_network": 3_000,
    "gb1_measured": 8_000,
    "splice_site": 8_000,
    "bedict": 6_000,
}


def read(path):
    return yaml.safe_load(path.read_text())


def linked(folder):
    """A folder with the project's resources, into which models can be downloaded."""
    (folder / "resources").mkdir(parents=True)
    (folder / "resources/sequences").symlink_to(ROOT / "resources/sequences")
    (folder / "tests").mkdir()
    (folder / "tests/bedict.py").symlink_to(ROOT / "tests/bedict.py")
    workspace = object.__new__(Workspace)
    workspace.folder = folder
    return workspace


@pytest.fixture(scope="module")
def finished(shared, tmp_path_factory):
    """All examples as one config, with the reference data in the place of the web, in one run."""
    folder = tmp_path_factory.mktemp("examples") / "run"
    workspace = linked(folder)
    (folder / "resources/tables").mkdir()
    (folder / "resources/tables/gb1.parquet").symlink_to(shared / "landscape_gb1/gb1.parquet")
    psi = pd.read_parquet(shared / "landscape_smn1_5ss/psi_9nt.parquet").rename(columns={"brca2_9nt": "psi"})
    psi[["sequence", "psi"]].to_parquet(folder / "resources/tables/splice_sites.parquet")
    config = {"models": {}, "sequences": {}, "analyses": []}
    for path in EXAMPLES:
        example = read(path)
        pairs = [[model, queries] for model in example["models"] for queries in example.get("sequences", ())]
        config["analyses"] += example.get("analyses", pairs)
        for part in ("models", "sequences"):
            config[part] |= example.get(part, {})
    models = config["models"]
    sprout = [f"sprout_{output}_trees.npz" for output in ("frac_mutant_ins", "frac_total_del", "diversity")]
    models["sprout"]["source"]["path"] = [str(shared / "sprout" / name) for name in sprout]
    models["gb1_network"]["source"]["path"] = str(shared / "nn4dms_gb1/gb1_cnn_weights.npz")
    models["ctcf"]["source"]["path"] = str(shared / "bpnet_ctcf/bpnet_ctcf_weights.npz")
    models["bedict"]["source"]["path"] = str(shared / "bedict_abemax/bedict_abemax_weights.npz")
    models["bedict"]["outputs"] = {"A6": {"column": 5}}  # of twenty
    models["optimus"]["source"]["mirror"] = str(shared / "optimus5p_multioutput")
    models["deepspcas9"]["source"]["mirror"] = (shared / "deepspcas9/original").as_uri()
    for name, budget in BUDGETS.items():
        models[name]["sketch"] = {"budget": budget, "shards": 1}
        models[name]["recovery"] = {"estimator": "regression", "max_order": 2}
    models["optimus"]["sketch"] = {"shards": 1}
    workspace.write("examples.yaml", yaml.safe_dump({**config, "offline": True}))
    targets = [
        f"results/{model}/{sequences}/{table}.parquet"
        for model, sequences in config["analyses"]
        for table in ("shapley_values", "interactions")
    ]
    workspace.output = workspace.run(*targets, "--configfile", str(folder / "examples.yaml")).stderr
    return workspace


def table(finished, name, model, sequence_set):
    frame = pd.read_parquet(finished.folder / f"results/{model}/{sequence_set}/{name}.parquet")
    sequences = pd.read_parquet(finished.folder / f"results/{model}/{sequence_set}/sequences.parquet")
    return frame.merge(sequences, on="sequence_id")


def score(finished, model):
    return json.loads((finished.folder / f"results/{model}/spectrum/faithfulness.json").read_text())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_run_of_its_own(path, tmp_path):
    workspace = linked(tmp_path / "run")
    example = read(path)
    for model in example["models"].values():
        if "path" in model["source"]:
            Path(workspace.folder / model["source"]["path"]).parent.mkdir(exist_ok=True)
            Path(workspace.folder / model["source"]["path"]).touch()
    for variants in example.get("variants", {}).values():
        for file in (variants["path"], variants.get("genome", variants["path"])):
            Path(workspace.folder / file).parent.mkdir(exist_ok=True)
            Path(workspace.folder / file).touch()
    (workspace.folder / "resources/models").symlink_to(ROOT / "resources/models")
    (workspace.folder / "config").symlink_to(ROOT / "config")  # the default config must not mix with the example's
    planned = workspace.planned("--configfile", str(path))
    if "sequences" in example:
        assert planned["build_report"] == len(example.get("analyses", [None]))
    else:
        assert planned["ask_variants"] == len(example["variants"])


def test_downloads_are_checked_converted_and_their_licence_is_shown(finished):
    folder = finished.folder / "resources/models"
    assert {p.name for p in (folder / "deepspcas9").iterdir()} >= {"deepspcas9.safetensors"}
    assert len(list((folder / "deepspcas9").iterdir())) == 3
    assert "is licensed under BSD-3-Clause, Copyright (c) 2023 University of Washington" in finished.output
    assert not list(folder.rglob("*.part"))


def test_trees_need_no_sketch(finished, shared):
    results = finished.folder / "results/sprout"
    assert not (results / "sketch").exists()
    scores = score(finished, "sprout")
    assert set(scores) == {"insertion_fraction", "deletion_fraction", "diversity"}
    for record in scores.values():
        assert record["r2"] > 1 - 1e-9
        assert record["estimator"] == "exact trees"
    values = table(finished, "shapley_values", "sprout", "hbb_guides")
    assert (values["prediction"] - values["reconstruction"]).abs().max() < 1e-6


def test_sprout_inserts_after_a_t_5_of_the_cut(finished):
    values = table(finished, "shapley_values", "sprout", "hbb_guides")
    values = values[values["output"] == "insertion_fraction"]
    means = values.groupby(values["sequence"].str[16])["pos_17"].mean()
    assert means.idxmax() == "T" and means["T"] > 0.04
    assert means.idxmin() == "G" and means["G"] < -0.04


def test_microhomologies_join_both_sides_of_the_cut(finished):
    found = table(finished, "interactions", "microhomology", "hbb_cuts")
    found = found[(found["output"] == "microhomology") & (found["order"] == 2)]
    best = found.loc[found.groupby("sequence_id")["value"].idxmax()]
    first, second = (best["positions"].str.split(",").str[k].astype(int) for k in (0, 1))
    assert ((first <= 20) & (second > 20)).mean() > 0.95
    assert (best["letters"].str[0] == best["letters"].str[1]).mean() > 0.95


def test_an_upstream_start_codon_lowers_the_load_unless_it_is_in_frame(finished):
    assert score(finished, "optimus")["HEK293T"]["evaluations"] == 4096 + 98  # every sequence, and the first look
    values = table(finished, "shapley_values", "optimus", "hbb_utr5")
    loads = values[values["output"] == "HEK293T"].groupby("group")["reconstruction"].mean()
    assert loads["none"] - loads["out_of_frame"] > 1.0
    assert abs(loads["none"] - loads["in_frame"]) < 0.5
    found = table(finished, "interactions", "optimus", "hbb_utr5")
    found = found[(found["output"] == "HEK293T") & (found["order"] == 3) & (found["letters"] == "ATG")]
    out, within = (found[found["positions"] == where]["value"] for where in ("37,38,39", "33,34,35"))
    assert len(out) >= 5 and out.max() < -0.5
    assert within.abs().max() < out.abs().min()


def test_a_g_next_to_the_pam_makes_a_guide_efficient(finished):
    values = table(finished, "shapley_values", "deepspcas9", "egfp")
    with_g = values[values["sequence"].str[23] == "G"]
    assert with_g["pos_24"].mean() > 4  # percent of indels
    positions = [f"pos_{i}" for i in range(1, 31)]
    assert with_g[positions].mean().idxmax() == "pos_24"


@pytest.mark.parametrize(
    ("model", "queries", "pair"), [("gb1_network", "variants", "41,54"), ("gb1_measured", "sites", "3,4")]
)
def test_sites_41_and_54_of_gb1_are_epistatic(finished, model, queries, pair):
    """G41L hardly binds, V54G binds, and together they bind better than without G41L's loss."""
    found = table(finished, "interactions", model, queries)
    double = found[found["sequence_id"] == "G41L_V54G"]
    best = double.loc[double["value"].abs().idxmax()]
    assert (best["positions"], best["letters"]) == (pair, "LG")
    assert best["value"] > 0.2
    values = table(finished, "shapley_values", model, queries).set_index("sequence_id")
    column = "reconstruction" if values["prediction"].isna().all() else "prediction"
    wild, first, second, both = (values.loc[name, column] for name in ("wild_type", "G41L", "V54G", "G41L_V54G"))
    assert both - first - second + wild > 1  # additive would be 0
    assert both > second  # G41L harms alone, and helps beside V54G


def test_two_gs_of_a_splice_site_act_together(finished):
    found = table(finished, "interactions", "splice_site", "splice_sites")
    pairs = found[found["order"] == 2].set_index(["sequence_id", "positions"])  # 3 and 8: positions -1 and +5
    assert pairs.loc[("consensus", "3,8"), "letters"] == "GG"
    assert pairs.loc[("consensus", "3,8"), "value"] > 3  # percent spliced in
    assert pairs.loc["HBB_intron_1", "value"].idxmax() == "3,8"
    loads = table(finished, "shapley_values", "splice_site", "splice_sites").set_index("sequence_id")["reconstruction"]
    assert loads["consensus"] > loads["HBB_intron_1"] > loads["HBB_intron_1_+5C"]


def motifs(finished, folder, model, output, queries=None):
    """The motifs of an example's sequences, or of random ones."""
    results = finished.folder / "results" / model
    spectrum = Spectrum.load(results / "spectrum/spectrum.npz", output)
    texts = random_texts(spectrum.template, 2000)
    if queries:
        texts = pd.read_parquet(results / queries / "sequences.parquet")["sequence"].tolist()
    return aggregated(folder, spectrum, texts)


def test_bystanders_lower_the_editing_of_a6(finished, tmp_path):
    """An A before it, more so after a T, or just after it: the editor converts one of them (Marquart et al. 2021)."""
    found = motifs(finished, tmp_path, "bedict", "A6", "edits")
    positions = found.kind("position").set_index("positions")
    assert positions["letters"].to_dict().items() >= {"5": "A", "4": "T", "7": "A", "8": "A"}.items()
    assert (positions["value"][["5", "4", "7", "8"]] < -0.02).all()
    first = found.kind("interaction").iloc[0]  # six sequences of a hundred that have T4
    assert (first["consensus"], first["positions"]) == ("TA", "4,5") and first["value"] < -0.05
    pairs = found.kind("interaction").set_index(["positions", "letters"])["value"]
    assert (pairs[[("5,7", "AA"), ("5,8", "AA")]] < -0.02).all()


def test_microhomology_is_one_motif_at_any_distance(finished, tmp_path):
    found = motifs(finished, tmp_path, "microhomology", "microhomology", "hbb_cuts")
    first = found.kind("interaction").iloc[0]
    assert (first["relation"], set(first["letters"].split(","))) == ("equal", {"AA", "CC", "GG", "TT"})
    places = found.summary.tables["placements"].query("motif == 'M1'")
    left, right = (places["positions"].str.split(",").str[k].astype(int) for k in (0, 1))
    assert ((left <= 20) & (right > 20)).mean() > 0.95
    assert places["gap"].astype(int).nunique() > 20
    assert (found.kind("interaction")["share"].iloc[1:] < first["share"] / 10).all()


def test_runs_of_t_lower_and_g20_raises_the_efficacy_of_guides(finished, tmp_path):
    found = motifs(finished, tmp_path, "deepspcas9", "efficacy")
    run = found.kind("interaction")[found.kind("interaction")["letters"].str.contains("TTT")].iloc[0]
    assert run["value"] < 0 and run.name < 3 and run["placements"] >= 5
    first = found.kind("position").iloc[0]
    assert (first["positions"], first["letters"]) == ("24", "G") and first["value"] > 5


def test_upstream_start_codons_are_the_first_motif(finished, tmp_path):
    found = motifs(finished, tmp_path, "optimus", "HEK293T", "hbb_utr5")
    first = found.kind("interaction").iloc[0]
    assert (first["consensus"], first["positions"]) == ("ATG", "37,38,39") and first["value"] < -1


def test_splice_sites_need_u_at_2_and_g_at_5(finished, tmp_path):
    found = motifs(finished, tmp_path, "splice_site", "psi")
    positions = found.kind("position").set_index("positions")["letters"].str[0]
    assert positions[["3", "5", "8"]].tolist() == ["G", "U", "G"]  # -1, +2 and +5
    assert positions.index[:4].isin(["3", "5", "6", "8"]).all()
    first = found.kind("interaction").iloc[0]
    word = dict(zip(first["positions"].split(","), first["letters"].split(",")[0], strict=True))
    assert (word["5"], word["8"]) == ("U", "G") and first["value"] > 10
