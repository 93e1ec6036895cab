# Every helper function of the rules, the config with its defaults, and the wildcards.
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
from shapsketch.settings.cost import auto_shards
from shapsketch.settings.letters import allowed_letters, named_letters
from shapsketch.settings.mechanism import ends_of, expand_latents, label_files
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
from shapsketch.storage.opening import open_text


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
# Models that are looked at before they are sketched; tables, trees and formulas answer twice the same.
CHECKED = [model for model in MODELS if MODELS[model]["source"]["kind"] not in STEADY]
# Masked explanations need no sketch: each sequence is a game of its own.
MASKED = config["explain"]["mode"] == "masks"
MECHANISMS = config["mechanism"]
# Networks whose modules have names.
NETWORKS = [
    model
    for model in MODELS
    if MODELS[model]["source"]["kind"] == "torch"
    and {"factory", "architecture"} & MODELS[model]["source"].keys()
]
TABLE_SCHEMA = read_schema("sequences")
BEGAN = time.time()


def get_mistakes():
    """The sentences of the user's mistakes that jobs of this run have told, by the log beside which they lie."""
    files = [
        path
        for path in Path("logs").rglob("*.mistake")
        if path.stat().st_mtime >= BEGAN
    ]
    return {
        str(path.with_suffix("")): path.read_text(encoding="utf-8") for path in files
    }


class Retries(int):
    """How often a job that fails is sent anew, with more memory and time: not after a mistake of the user's."""

    def __gt__(self, tried):
        return int(self) > tried and not get_mistakes()


# Within a cluster's job itself, trying again would be in vain.
RETRIES = Retries(2 if workflow.is_main_process else 0)


def tells_more(record):
    """Whether one of Snakemake's messages tells more than the sentence of a mistake, which has been shown."""
    if record.levelno < logging.WARNING:
        return True
    logs = set(getattr(record, "log", None) or [])
    failed = record.getMessage().startswith(
        ("RuleException:\nCalledProcessError", "Cannot restore results/")
    )
    return not (logs & get_mistakes().keys() or (failed and get_mistakes()))


logging.getLogger("snakemake.logging").addFilter(tells_more)


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


# Each model's source with the path where its file lies, downloaded or not, and all files that it needs.
try:
    SOURCES = {
        model: with_outputs(
            complete(
                local_source(MODELS[model]["source"], f"resources/models/{model}")
            ),
            MODELS[model]["outputs"],
        )
        for model in MODELS
    }
except errors.InputError as error:
    sys.exit(f"shapsketch: {error}")


def get_source(model):
    return canonical(SOURCES[model])


def get_downloads(wildcards):
    return [
        f"resources/models/{model}/{file}"
        for model, file in DOWNLOADS
        if model == wildcards.model
    ]


def get_model_files(wildcards):
    return named_files(get_source(wildcards.model))


def get_sketch_settings(model):
    """What determines the plan; the rest of the model's config must not make it stale."""
    settings = {
        key: MODELS[model][key] for key in ("alphabet", "template", "background")
    }
    sketch = {
        key: value for key, value in MODELS[model]["sketch"].items() if key != "shards"
    }
    return canonical(settings | {"outputs": get_outputs(model), "sketch": sketch})


def get_outputs(model):
    return list(MODELS[model]["outputs"])


def get_output_words(model):
    """What each output is of the model's answer, in words, where the config says so."""
    outputs = MODELS[model]["outputs"]
    given = outputs.items() if isinstance(outputs, dict) else ()
    score = MODELS[model]["source"].get("score")
    return {name: SCORES[score] for name in outputs if score} | {
        name: output_words(spec) for name, spec in given if not score
    }


def get_folds(name):
    """A file of the spectra of a model's folds; none where it has none."""
    return lambda wildcards: (
        f"results/{wildcards.model}/spectrum/{name}"
        if wildcards.model in FOLDED
        else []
    )


def get_near_sequences(wildcards):
    """The sequences that a share of the sketch is asked near."""
    names = near_names(MODELS[wildcards.model])
    return [f"results/{wildcards.model}/{name}/sequences.parquet" for name in names]


def get_check(wildcards):
    """The first look at a model, where it has one."""
    wanted = wildcards.model in CHECKED
    return f"results/{wildcards.model}/sketch/check.json" if wanted else []


def get_reference(wildcards):
    return MODELS[wildcards.model]["source"].get("reference", [])


def get_background_sequences(wildcards):
    """The file of the sequences that the background counts or draws; none where it does neither."""
    background = MODELS[wildcards.model]["background"]
    counted = counted_sequences(background)
    return SEQUENCES[counted]["path"] if counted else drawn_file(background) or []


def get_scatteritems(shards):
    return [f"{k}-of-{shards}" for k in range(1, shards + 1)]


def get_rate(model):
    """Seconds per evaluation, if `measure_rate` has measured them."""
    path = Path(f"results/{model}/sketch/rate.json")
    return (
        json.loads(path.read_text())["seconds_per_evaluation"]
        if path.exists()
        else None
    )


def get_shards(model):
    """How many shards a round of a sketch has; `auto` goes on with the number of a sketch that has begun."""
    sketch, rounds = MODELS[model]["sketch"], get_rounds(model)
    if sketch["shards"] != "auto":
        return sketch["shards"]
    begun = Counter(
        int(path.stem.split("-of-")[1])
        for path in Path(f"results/{model}/sketch/shards").glob("*-of-*.npz")
    )
    (shards, _), *_ = begun.most_common(1) or [(0, 0)]
    if shards and shards % rounds == 0:
        return shards // rounds
    most, until_r2 = stop_rule(sketch["budget"])
    return auto_shards(
        most if until_r2 is None else most // 2, sketch["batch_size"], get_rate(model)
    )


def get_rounds(model):
    """How many rounds are sampled in turn; each has its own `sketch.shards` shards."""
    return sampling_rounds(MODELS[model]["sketch"]["budget"])


# Fixed when the workflow starts: it may not change while jobs run.
SHARDS = {model: get_shards(model) for model in MODELS}


def get_sketch_shards(wildcards):
    """All shards; of a round, those up to its end."""
    each, rounds = SHARDS[wildcards.model], get_rounds(wildcards.model)
    items = get_scatteritems(each * rounds)[
        : each * int(wildcards.get("round", rounds))
    ]
    return [f"results/{wildcards.model}/sketch/shards/{item}.npz" for item in items]


def get_round_before(wildcards):
    """The score of the round before a shard's or a round's own; none before the first."""
    if "round" in wildcards.keys():
        number = int(wildcards.round) - 1
    else:
        shard = int(wildcards.scatteritem.split("-of-")[0])
        number = (shard - 1) // SHARDS[wildcards.model]
    return f"results/{wildcards.model}/sketch/rounds/{number}.json" if number else []


def get_round_scores(wildcards):
    rounds = get_rounds(wildcards.model)
    return [
        f"results/{wildcards.model}/sketch/rounds/{k}.json" for k in range(1, rounds)
    ]


def get_learning_curve(wildcards):
    """The learning curve, unless the config leaves it out; trees have none."""
    wanted = MODELS[wildcards.model]["recovery"]["learning_curve"]
    if not wanted or wildcards.model in TREES:
        return []
    return f"results/{wildcards.model}/spectrum/learning_curve.tsv"


def get_plan(wildcards):
    """The plan of the sketch; trees have none."""
    return (
        []
        if wildcards.model in TREES
        else f"results/{wildcards.model}/sketch/plan.json"
    )


def get_recovery(key):
    return lambda wildcards: MODELS[wildcards.model]["recovery"][key]


def get_listing():
    """Which interactions are listed."""
    explain = config["explain"]
    top_k = explain["top_k"]
    keys = ("indices", "min_order", "max_order", "threshold")
    return {key: explain[key] for key in keys} | {
        "top_k": None if top_k == "all" else top_k
    }


def get_mask_settings(wildcards):
    """What of the model's config a masked explanation depends on; the sketch's budget is not used."""
    settings = {
        key: MODELS[wildcards.model][key]
        for key in ("alphabet", "template", "background")
    }
    sketch = {
        key: MODELS[wildcards.model]["sketch"][key] for key in ("seed", "batch_size")
    }
    if wildcards.model in FOLDED:
        settings["folds"] = len(MODELS[wildcards.model]["source"]["folds"])
    outputs = get_outputs(wildcards.model)
    return canonical(settings | {"outputs": outputs, "sketch": sketch})


def get_explanation_shards(suffix, folder="shards"):
    def get_shards(wildcards):
        place = f"results/{wildcards.model}/{wildcards.sequences}/{folder}"
        return [
            f"{place}/{item}.{suffix}"
            for item in get_scatteritems(config["explain"]["shards"])
        ]

    return get_shards


def get_genome(wildcards):
    """The genome that variants refer to; none where their sequence is given."""
    return VARIANTS[wildcards.variants].get("genome", [])


def get_variant_settings(wildcards):
    """What of a set of variants' config its results depend on."""
    settings = VARIANTS[wildcards.variants]
    unasked = (
        "alignment",
        "beside",
        "conservation",
        "genome",
        "haplotypes",
        "lower",
        "model",
        "null_changes",
        "path",
        "positive",
        "predictors",
        "shards",
        "sketch",
    )
    return canonical({k: v for k, v in settings.items() if k not in unasked})


def get_variant_spectrum(wildcards):
    """The spectrum that variants are looked up in, where the model is sketched for sequences or the config wants one."""
    settings = VARIANTS[wildcards.variants]
    if wildcards.model != settings["model"]:
        return []  # of the models beside, the effects alone are compared
    wanted = settings["sketch"]
    if wanted == "auto":
        wanted = wildcards.model in dict(ANALYSES) and not MASKED
    return f"results/{wildcards.model}/spectrum/spectrum.npz" if wanted else []


def get_asked_model(wildcards):
    """What of the model's config its answers depend on."""
    model = MODELS[wildcards.model]
    read = {key: model[key] for key in ("alphabet", "template")}
    sketch = {key: model["sketch"][key] for key in ("seed", "batch_size")}
    return canonical(read | {"outputs": get_outputs(wildcards.model), "sketch": sketch})


def get_variant_shards(suffix, folder="shards"):
    def get_shards(wildcards):
        place = f"results/{wildcards.model}/{wildcards.variants}/{folder}"
        shards = VARIANTS[wildcards.variants]["shards"]
        return [f"{place}/{item}.{suffix}" for item in get_scatteritems(shards)]

    return get_shards


def get_tracks():
    """The results in the coordinates of a genome, of sequences that are intervals."""
    return [
        f"results/{model}/{sequences}/genome"
        for model, sequences in ANALYSES
        if sequences in INTERVALS
    ]


def get_variant_tables(wildcards):
    """The tables that the page of a set of variants is made of, by name."""
    folder, settings = (
        f"results/{wildcards.model}/{wildcards.variants}",
        VARIANTS[wildcards.variants],
    )
    tables = {"effects": "variants.parquet", "dropped": "dropped.tsv"}
    if settings["haplotypes"]["enabled"]:
        tables |= {
            "haplotypes": "haplotypes.parquet",
            "pairs": "haplotype_interactions.parquet",
        }
    if settings["label"] or settings["score"]:
        tables |= {
            name: f"{name}.tsv" for name in ("scores", "confusion", "predictions")
        }
    if get_variant_spectrum(wildcards):
        tables["contributions"] = "contributions.parquet"
        if settings["label"]:
            tables["separation"] = "separation.tsv"
    return {name: f"{folder}/{file}" for name, file in tables.items()}


def get_scored_models(wildcards):
    """The models whose effects are scored side by side, the set's own first."""
    return [wildcards.model, *VARIANTS[wildcards.variants]["beside"]]


def get_scored_effects(wildcards):
    return [
        f"results/{model}/{wildcards.variants}/variants.parquet"
        for model in get_scored_models(wildcards)
    ]


def get_scoring_settings(wildcards):
    """What of a set of variants' config scores depend on, and effects do not."""
    settings, keys = VARIANTS[wildcards.variants], ("alignment", "lower", "positive")
    chosen = {key: settings[key] for key in keys if key in settings}
    return canonical(
        chosen
        | {
            "predictors": settings["predictors"],
            "sequence": settings["sequence"],
        }
    )


def get_null_changes(wildcards):
    """How many random changes of each window are asked about; those beside the set's own model are not."""
    settings = VARIANTS[wildcards.variants]
    return settings["null_changes"] if wildcards.model == settings["model"] else 0


def get_variants_config(wildcards):
    """The effective config of one set of variants alone."""
    settings = VARIANTS[wildcards.variants]
    models = {model: MODELS[model] for model in get_scored_models(wildcards)}
    spectrum = bool(get_variant_spectrum(wildcards))
    needed = [
        name
        for model in ([MODELS[wildcards.model]] if spectrum else [])
        for name in (counted_sequences(model["background"]), *near_names(model))
        if name
    ]
    return canonical(
        config
        | {
            "models": models,
            "sequences": {name: SEQUENCES[name] for name in dict.fromkeys(needed)},
            "variants": {wildcards.variants: settings | {"sketch": spectrum}},
            "analyses": "none",
            "conditions": {},
            "mechanism": {},
        }
    )


def get_variants_outside(wildcards):
    """Everything that a set of variants reads and the workflow has not made."""
    settings = VARIANTS[wildcards.variants]
    files = [settings["path"], *([settings["genome"]] if "genome" in settings else [])]
    files += [get_alignment(wildcards)] if "alignment" in settings else []
    files += [settings["conservation"]] if "conservation" in settings else []
    for model in get_scored_models(wildcards):
        files += get_model_files(SimpleNamespace(model=model))
    sketched = get_variants_config(wildcards)["sequences"].values()
    files += [one[key] for one in sketched for key in ("path", "genome") if key in one]
    background = get_background_sequences(wildcards)
    files += [background] if background and get_variant_spectrum(wildcards) else []
    return list(dict.fromkeys(files))


def get_alignment(wildcards):
    """The alignment whose site frequencies are a baseline, where the config names one."""
    alignment = VARIANTS[wildcards.variants].get("alignment")
    return alignment["path"] if alignment else []


def get_recorded_variants(wildcards):
    """The results of a set of variants whose bytes its provenance.json records."""
    tables = get_variant_tables(wildcards)
    recorded = [path for path in tables.values() if Path(path).stem != "placed"]
    folder = f"results/{wildcards.model}/{wildcards.variants}"
    genome = "genome" in VARIANTS[wildcards.variants]
    return [*recorded, *([f"{folder}/variants.vcf.gz"] if genome else [])]


def get_variant_results():
    """What is made of each set of variants."""
    beside = [
        f"results/{model}/{name}/{file}"
        for name, settings in VARIANTS.items()
        for model in settings["beside"]
        for file in ("variants.tsv", "dropped.tsv")
    ]
    return beside + [
        f"results/{settings['model']}/{name}/{file}"
        for name, settings in VARIANTS.items()
        for file in (
            "variants.html",
            "variants.tsv",
            "dropped.tsv",
            *(["variants.vcf.gz"] if "genome" in settings else []),
            *(["haplotypes.tsv"] if settings["haplotypes"]["enabled"] else []),
            *(["scores.tsv"] if settings["label"] or settings["score"] else []),
        )
    ]


def get_motif_settings(wildcards):
    """What is looked for; how it is drawn must not make it stale."""
    settings = {
        key: value
        for key, value in config["motifs"].items()
        if key not in ("colors", "database")
    }
    return settings | {"seed": MODELS[wildcards.model]["sketch"]["seed"]}


def has_stretches(model):
    """Whether motifs are looked for in masked explanations of a model: stretches need long sequences."""
    letters = named_letters(MODELS[model]["alphabet"])
    length = len(allowed_letters(letters, MODELS[model]["template"]))
    wanted = wants_seqlets(config["motifs"]["seqlets"], length)
    return MASKED and wanted and config["motifs"]["count"] > 0


def get_stretches(wildcards):
    """The motifs of a masked explanation, where they are looked for."""
    folder = f"results/{wildcards.model}/{wildcards.sequences}/motifs"
    wanted = STRETCH_FILES if has_stretches(wildcards.model) else []
    return [f"{folder}/{file}" for file in wanted]


def get_tomtom(wildcards):
    """The comparison of motifs with a database, where the config names one."""
    if not config["motifs"].get("database"):
        return []
    return f"results/{wildcards.model}/{wildcards.sequences}/motifs/tomtom.tsv"


def get_methods(wildcards):
    """The comparison with other methods, where the config wants one."""
    if not config["compare"]["enabled"]:
        return []
    return f"results/{wildcards.model}/{wildcards.sequences}/comparison.tsv"


def get_analysis_config(model, sequences):
    """The effective config of one analysis alone."""
    counted = counted_sequences(MODELS[model]["background"])
    names = [sequences, *([counted] if counted else [])]
    names += [name for name in near_names(MODELS[model]) if name not in names]
    return canonical(
        config
        | {
            "models": {model: MODELS[model]},
            "sequences": {name: SEQUENCES[name] for name in names},
            "variants": {},
            "analyses": [[model, sequences]],
            "conditions": {},
            "mechanism": {},
        }
    )


def get_outside_files(wildcards):
    """Everything that an analysis reads and the workflow has not made."""
    background = get_background_sequences(wildcards)
    placed = wildcards.sequences in INTERVALS
    return [
        *get_model_files(wildcards),
        SEQUENCES[wildcards.sequences]["path"],
        *([SEQUENCES[wildcards.sequences]["genome"]] if placed else []),
        *([background] if background else []),
    ]


MOTIF_FILES = (
    "motifs.tsv",
    "motif_matrices.tsv",
    "placements.tsv",
    "instances.tsv",
    "instances.bed",
    "contributions.tsv",
    "clusters.tsv",
    "cluster_members.tsv",
    "position_interactions.tsv",
    "supports.tsv",
    "support_tables.tsv",
    "motifs.meme",
    "logos",
)
SPECTRUM_FILES = ("spectrum.npz", "students.npz", "holdout.tsv", "figures")


def get_recorded_results(wildcards):
    """The results whose bytes provenance.json records; tables with seconds are not among them."""
    model, sequences = f"results/{wildcards.model}", wildcards.sequences
    sketched = wildcards.model not in TREES
    files = [f"{table}.parquet" for table in EXPLANATIONS.values()]
    files += ["sequences.parquet", "dropped.tsv", "faithfulness.json"]
    files += [f"motifs/{name}" for name in MOTIF_FILES]
    files += ["hypothetical"] if config["explain"]["hypothetical"] else []
    files += ["comparison"] if config["compare"]["enabled"] else []
    spectrum = [f"spectrum/{name}" for name in SPECTRUM_FILES]
    curve = sketched and MODELS[wildcards.model]["recovery"]["learning_curve"]
    return [
        *(f"{model}/{name}" for name in spectrum),
        *(
            [f"{model}/sketch/sketch.npz", f"{model}/sketch/left_out.tsv"]
            if sketched
            else []
        ),
        *([f"{model}/spectrum/learning_curve.tsv"] if curve else []),
        *([f"{model}/spectrum/folds.npz"] if wildcards.model in FOLDED else []),
        *(f"{model}/{sequences}/{name}" for name in files),
    ]


def get_all_results():
    if MASKED:
        return (
            get_variant_results()
            + get_mechanism_results()
            + get_tracks()
            + [
                f"results/{model}/{sequences}/report.html"
                for model, sequences in ANALYSES
            ]
        )
    files = (
        "report.html",
        "shapley_values.parquet",
        "interactions.parquet",
        "motifs/motifs.meme",
        "motifs/logos",
        *(["hypothetical"] if config["explain"]["hypothetical"] else []),
        *(["mutations/figures"] if config["explain"]["mutations"] else []),
        *(["comparison"] if config["compare"]["enabled"] else []),
    )
    figures = [f"results/{model}/spectrum/figures" for model in dict(ANALYSES)]
    return (
        figures
        + get_comparison()
        + get_variant_results()
        + get_mechanism_results()
        + get_tracks()
        + [
            f"results/{model}/{sequences}/{name}"
            for model, sequences in ANALYSES
            for name in files
        ]
    )


def get_mechanism_results():
    """What is made of each entry of `mechanism`."""
    compared = ["latents_tomtom.tsv"] if config["motifs"].get("database") else []
    files = ["report.html", "latents.parquet", *compared]
    results = [
        f"results/mechanism/{name}/{file}" for name in MECHANISMS for file in files
    ]
    for name, own in MECHANISMS.items():
        results += [f"results/mechanism/{name}/steering.tsv"] * ("steer" in own)
        results += [f"results/mechanism/{name}/circuits.json"] * ("circuit" in own)
        results += [f"results/mechanism/{name}/designs.tsv"] * ("design" in own)
        results += [f"results/mechanism/{name}/probes.tsv"] * bool(own["probe"])
    return results


def get_first_dictionary(wildcards):
    """The dictionary that is looked into: that of the first seed."""
    kind = MECHANISMS[wildcards.mechanism]["dictionary"]["kind"]
    return f"results/mechanism/{wildcards.mechanism}/dictionaries/{kind}/0.safetensors"


def get_optional(key, file):
    """A file of a mechanism that is made where its config has a key."""

    def get_file(wildcards):
        wanted = MECHANISMS[wildcards.mechanism].get(key)
        if wanted is None or (key == "probe" and not wanted):
            return []
        return f"results/mechanism/{wildcards.mechanism}/{file}"

    return get_file


def get_scorer(wildcards):
    """The model that scores designs."""
    return MECHANISMS[wildcards.mechanism]["design"]["scorer"]


def get_sketches(wildcards):
    """The reports of models whose outputs are latents of a mechanism, by latent."""
    pages = {}
    kind = MECHANISMS[wildcards.mechanism]["dictionary"]["kind"]
    file = f"results/mechanism/{wildcards.mechanism}/dictionaries/{kind}/0.safetensors"
    for model, sequences in ANALYSES:
        if MODELS[model]["source"].get("dictionary") == file:
            outputs = MODELS[model]["outputs"]
            names = outputs.values() if isinstance(outputs, dict) else outputs
            for spec in names:
                latent = spec.get("of") if isinstance(spec, dict) else spec
                pages[str(latent)] = f"../../{model}/{sequences}/report.html"
    return pages


def is_drawn(name):
    """Whether the sequences of an entry of `mechanism` are independent draws of the background."""
    return isinstance(MECHANISMS[name]["sequences"], dict)


def get_kinds(name):
    """The kinds of dictionaries that are trained: beside cross-layer transcoders those of single layers."""
    kind = MECHANISMS[name]["dictionary"]["kind"]
    return [kind] + ["transcoder"] * (kind == "cross_layer")


def get_dictionaries(wildcards):
    own = MECHANISMS[wildcards.mechanism]["dictionary"]
    return [
        f"results/mechanism/{wildcards.mechanism}/dictionaries/{kind}/{seed}.safetensors"
        for kind in get_kinds(wildcards.mechanism)
        for seed in range(own["seeds"])
    ]


def get_dictionary_settings(wildcards):
    """What a dictionary depends on, the number of seeds apart."""
    own = MECHANISMS[wildcards.mechanism]["dictionary"]
    return canonical({key: own[key] for key in own if key not in ("seeds", "kind")})


def get_mechanism_model(wildcards):
    """What of a model's config its activations depend on."""
    model = MECHANISMS[wildcards.mechanism]["model"]
    settings = {
        key: MODELS[model][key] for key in ("alphabet", "template", "background")
    }
    sketch = {"batch_size": MODELS[model]["sketch"]["batch_size"]}
    return canonical(settings | {"outputs": get_outputs(model), "sketch": sketch})


def get_mechanism_files(wildcards):
    return named_files(get_source(MECHANISMS[wildcards.mechanism]["model"]))


def get_mechanism_sequences(wildcards):
    """The sequences whose activations are kept, unless they are drawn from the background."""
    own = MECHANISMS[wildcards.mechanism]
    if isinstance(own["sequences"], dict):
        return []
    return f"results/{own['model']}/{own['sequences']}/sequences.parquet"


def get_mechanism_background(wildcards):
    """The sequences that the background counts, where it is drawn from."""
    own = MECHANISMS[wildcards.mechanism]
    background = MODELS[own["model"]]["background"]
    counts = isinstance(background, dict) and "from_sequences" in background
    if isinstance(own["sequences"], dict) and counts:
        return SEQUENCES[background["from_sequences"]["queries"]]["path"]
    return []


def get_activation_settings(name):
    """What activations depend on; what is made of them must not make them stale."""
    keys = ("model", "sequences", "modules", "special_tokens", "pool", "dtype", "seed")
    return canonical({key: MECHANISMS[name][key] for key in keys})


def get_activations(suffix):
    def get_shards(wildcards):
        place = f"results/mechanism/{wildcards.mechanism}/activations"
        return [
            f"{place}/{item}.{suffix}"
            for item in get_scatteritems(MECHANISMS[wildcards.mechanism]["shards"])
        ]

    return get_shards


def get_comparison():
    """The comparison page, where there is more than one analysis, a set of variants, a condition, or a table with groups."""
    if MASKED:
        return []
    tables = [SEQUENCES[sequences] for _, sequences in ANALYSES]
    several = len(ANALYSES) > 1 or VARIANTS or CONDITIONS
    wanted = several or any(has_groups(**t) for t in tables)
    return ["results/comparison.html"] if wanted else []


def get_differences():
    """The differences between conditions, where the config has some."""
    return ["results/contribution_differences.tsv"] if CONDITIONS else []


def get_every_member(pattern):
    """A file of each output of each condition, in their order."""
    return [
        f"results/{pattern.format(model=split_member(member)[0], sequences=condition['sequences'])}"
        for condition in CONDITIONS.values()
        for member in condition["outputs"]
    ]


def has_groups(path, group, **others):
    """Whether the first line of a file of sequences names the column of group labels; intervals have none."""
    if "genome" in others:
        return False
    try:
        with open_text(path) as handle:
            first = handle.readline()
    except errors.InputError:
        return False  # prepare_sequences tells what is wrong with it
    return group in re.split(r'[",;|\t\r\n]+', first)


def get_every(pattern):
    """A file of each analysis, in their order."""
    return [
        f"results/{pattern.format(model=model, sequences=sequences)}"
        for model, sequences in ANALYSES
    ]


def get_megabytes(base):
    """Memory that doubles with every attempt."""
    return lambda wildcards, attempt: base * 2 ** (attempt - 1)


def get_sampling_minutes(wildcards, attempt):
    """An hour, or twice what a shard should take where that is known; more with every attempt."""
    seconds = (get_rate(wildcards.model) or 0) * stop_rule(
        MODELS[wildcards.model]["sketch"]["budget"]
    )[0]
    return attempt * max(60, int(2 * seconds / SHARDS[wildcards.model] / 60))


def get_work(model):
    """What the cost of a model depends on, its rate and the number of its sequences apart."""
    sketch, refine = MODELS[model]["sketch"], config["explain"]["refine"] or {}
    asked = int(config["explain"]["predict"]) + refine.get(
        "evaluations_per_sequence", 0
    )
    if MASKED:
        asked = config["explain"]["masks"]["budget"] + 1
    sketched = model not in TREES and not MASKED
    budget = stop_rule(sketch["budget"])[0]
    return {
        "budget": budget,
        "evaluations": budget if sketched else 0,
        "batch_size": sketch["batch_size"],
        "shards": sketch["shards"] if sketch["shards"] == "auto" else get_shards(model),
        "rounds": get_rounds(model),
        "outputs": len(MODELS[model]["outputs"]),
        "estimator": MODELS[model]["recovery"]["estimator"],
        "minutes": MODELS[model]["recovery"]["minutes"],
        "explanation_shards": config["explain"]["shards"],
        "asked": asked,
        "masked": MASKED,
        "positions": len(MODELS[model]["template"]),
        "students": config["explain"]["masks"]["estimator"] in ("auto", "student"),
        "sequences": [sequences for name, sequences in ANALYSES if name == model],
    }


def get_gpus(wildcards):
    """How many GPUs a job that asks the model needs."""
    return get_gpus_of(wildcards.model)


def get_gpus_of(model):
    return 0 if get_source(model).get("device", "cpu") == "cpu" else 1


def print_mistakes():
    """Tell the mistakes of jobs that ran elsewhere; those of jobs on this machine have been shown."""
    for sentence in dict.fromkeys(
        get_mistakes().values() if workflow.non_local_exec else []
    ):
        print(f"\nshapsketch: {sentence}\n", file=sys.stderr)


def print_summaries():
    for model, sequences in ANALYSES:
        summary = Path(f"results/{model}/{sequences}/summary.txt")
        if summary.exists():
            print(f"\n{summary.read_text().rstrip()}")
    for page in get_comparison():
        print(f"\ncompare them in {page}")
