# What rules need of explanations, by spectrum or by masks, and of motifs.
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


def get_tracks():
    """The results in the coordinates of a genome, of sequences that are intervals."""
    return [
        f"results/{model}/{sequences}/genome"
        for model, sequences in ANALYSES
        if sequences in INTERVALS
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
    wanted = wants_seqlets(config["motifs"]["seqlets"], get_length(model))
    return MASKED and wanted and config["motifs"]["count"] > 0


def get_length(model):
    """The letters of a model's sequences."""
    letters = named_letters(MODELS[model]["alphabet"])
    return len(allowed_letters(letters, MODELS[model]["template"]))


def wants_letters(model):
    """Whether masked explanations tell letters too: where motifs may be looked for, so that turning these on or off
    explains nothing again.
    """
    long = wants_seqlets("auto", get_length(model))
    return config["explain"]["hypothetical"] or long or has_stretches(model)


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
