# What rules need of sets of variants.
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
        "negative",
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
    settings = VARIANTS[wildcards.variants]
    keys = ("alignment", "lower", "negative", "positive")
    chosen = {key: settings[key] for key in keys if key in settings}
    return canonical(
        chosen
        | {
            "first": settings["first"],
            "label": settings["label"],
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
        for model in models.values()
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
    """Everything that a set of variants reads and the workflow has not made, or that its config names."""
    settings = VARIANTS[wildcards.variants]
    files = [settings["path"], *([settings["genome"]] if "genome" in settings else [])]
    files += [get_alignment(wildcards)] if "alignment" in settings else []
    files += [settings["conservation"]] if "conservation" in settings else []
    for model in get_scored_models(wildcards):
        files += get_model_files(SimpleNamespace(model=model))
        files += get_compared_files(model)
        background = get_background_sequences(SimpleNamespace(model=model))
        files += [background] if background else []
    needed = get_variants_config(wildcards)["sequences"].values()
    files += [one[key] for one in needed for key in ("path", "genome") if key in one]
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
