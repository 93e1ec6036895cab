# The config with its defaults, the wildcards, and (in common/, by what they are about) the functions that rules call.
import json
import logging
import re
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import yaml

# Registered one by one, so that the library comes along when the workflow is used as a remote module; `make library`
# writes the list.
with open(workflow.source_path("../scripts/library.txt")) as _names:
    _library = [
        workflow.source_path(f"../scripts/shapsketch/{name}")
        for name in _names.read().split()
    ]
# Where the workflow lies on this machine, the library is imported in its place: Snakemake's copies are new in every
# run, and compiled kernels would have to be compiled again.
_copied = Path(_library[0]).parent.parent
_local = Path(workflow.current_basedir.get_path_or_uri(secret_free=True), "../scripts")
sys.path.insert(0, str(_local.resolve() if _local.is_dir() else _copied))

from shapsketch.settings import errors
from shapsketch.settings.backgrounds import counted_sequences, drawn_file
from shapsketch.settings.catalogue import expand
from shapsketch.settings.config import (
    canonical,
    check_config,
    check_database,
    check_names,
)
from shapsketch.settings.conditions import split_member
from shapsketch.settings.cost import CHECKED_CHANGES, asked_of_each, auto_shards
from shapsketch.settings.letters import allowed_letters, named_letters
from shapsketch.settings.mechanism import (
    ends_of,
    expand_latents,
    has_modules,
    label_files,
    passes_of,
)
from shapsketch.settings.near import near_names
from shapsketch.settings.rounds import sampling_rounds, stop_rule
from shapsketch.settings.outputs import SCORES, output_words
from shapsketch.settings.seqlets import wants_seqlets
from shapsketch.settings.sources import (
    STEADY,
    complete,
    downloads,
    local_source,
    named_files,
    with_outputs,
)
from shapsketch.settings.versions import READERS, VERSIONS
from shapsketch.settings.written import read_written
from shapsketch.storage.headers import has_column


def read_schema(name):
    with open(workflow.source_path(f"../schemas/{name}.schema.yaml")) as handle:
        return yaml.safe_load(handle)


def read_texts(paths):
    """The files of the config as they are written, which tells names from what YAML takes them for."""
    try:
        return [read_written(path) for path in paths if Path(path).is_file()]
    except errors.InputError as error:
        sys.exit(f"shapsketch: {error}")


# A config named by --configfile stands alone; Snakemake would merge the two.
if not workflow.overwrite_configfiles:
    # Read before Snakemake reads it, which does not tell what is wrong with a file.
    read_texts(["config/config.yaml"])

    configfile: "config/config.yaml"


try:
    with open(workflow.source_path("../../resources/models.yaml")) as handle:
        config = expand_latents(expand(config, yaml.safe_load(handle)))
    texts = (
        [] if workflow.modifier.skip_configfile else read_texts(workflow.configfiles)
    )
    config = check_config(config, read_schema("config"), texts)
    # Without a shared disk, the files lie in the storage, and Snakemake itself looks for them.
    shared = workflow.storage_settings.default_storage_provider is None
    check_names(config, files=shared)
    if shared and workflow.is_main_process:
        check_database(config)
except errors.InputError as error:
    sys.exit(f"shapsketch: {error}")

MODELS = config["models"]
SEQUENCES = config["sequences"]
INTERVALS = [name for name in SEQUENCES if "genome" in SEQUENCES[name]]
VARIANTS = config["variants"]
CONDITIONS = config["conditions"]
ANALYSES = (
    [(model, sequences) for model in MODELS for sequences in SEQUENCES]
    if config["analyses"] == "all"
    else [tuple(pair) for pair in config["analyses"] if config["analyses"] != "none"]
)
DOWNLOADS = {
    (model, download.file): download
    for model in MODELS
    for download in downloads(MODELS[model]["source"])
}
CONVERSIONS = {
    model: MODELS[model]["source"]["convert"]
    for model in dict.fromkeys(model for model, _ in DOWNLOADS)
    if "convert" in MODELS[model]["source"]
}
VARIANT = ".cuda" if config["pytorch"] == "cuda" else ""  # of the environments
TREES = [model for model in MODELS if MODELS[model]["source"]["kind"] == "trees"]
# Models that are looked at before they are sketched; tables, trees and formulas answer twice the same, but trees may
# have predictions to compare.
CHECKED = [
    model
    for model in MODELS
    if MODELS[model]["source"]["kind"] not in STEADY
    or "reference" in MODELS[model]["source"]
]
# Masked explanations need no sketch: each sequence is a game of its own.
MASKED = config["explain"]["mode"] == "masks"
MECHANISMS = config["mechanism"]
# Networks that `mechanism` can look into.
NETWORKS = [
    model
    for model in MODELS
    if has_modules(MODELS[model]["source"]) and not passes_of(MODELS[model]["source"])
]
TABLE_SCHEMA = read_schema("sequences")


def any_of(names):
    """A pattern for one of these names, and for nothing where there are none."""
    return "|".join(dict.fromkeys(map(re.escape, names))) or "no such name"


wildcard_constraints:
    model="|".join(map(re.escape, MODELS)),
    sequences=any_of(SEQUENCES),
    variants=any_of(VARIANTS),
    mechanism=any_of(MECHANISMS),
    scatteritem=r"\d+-of-\d+",
    kind="sae|transcoder|cross_layer",
    seed=r"\d+",
    round=r"\d+",


# The tables of a masked explanation, by the names that the rules give them.
MASK_TABLES = {
    "values": "shapley_values",
    "letters": "letter_contributions",
    "errors": "shapley_errors",
    "interactions": "interactions",
    "scores": "mask_scores",
}
# What is made of stretches of contributions.
STRETCH_FILES = (
    "motifs.tsv",
    "placements.tsv",
    "motif_matrices.tsv",
    "instances.tsv",
    "instances.bed",
    "motifs.meme",
    "found.json",
)
# The tables of an explanation, by the names that the rules give them.
EXPLANATIONS = {
    "values": "shapley_values",
    "interactions": "interactions",
    "aggregates": "aggregates",
}
if config["explain"]["refine"]:
    EXPLANATIONS["errors"] = "shapley_errors"
# Models that are the mean of several; each has a spectrum of its own.
FOLDED = [model for model in MODELS if "folds" in MODELS[model]["source"]]
if FOLDED:
    EXPLANATIONS["folds"] = MASK_TABLES["folds"] = "shapley_folds"


include: "common/messages.smk"
include: "common/models.smk"
include: "common/sketch.smk"
include: "common/explain.smk"
include: "common/variants.smk"
include: "common/mechanism.smk"
include: "common/results.smk"
