# What rules need of entries of `mechanism`.
def get_mechanism_results():
    """What is made of each entry of `mechanism`."""
    compared = ["latents_tomtom.tsv"] if config["motifs"].get("database") else []
    files = ["report.html", "latents.parquet", *compared]
    results = [
        f"results/mechanism/{name}/{file}" for name in MECHANISMS for file in files
    ]
    for name, entry in MECHANISMS.items():
        results += [f"results/mechanism/{name}/steering.tsv"] * ("steer" in entry)
        results += [f"results/mechanism/{name}/circuits.json"] * ("circuit" in entry)
        results += [f"results/mechanism/{name}/designs.tsv"] * ("design" in entry)
        results += [f"results/mechanism/{name}/probes.tsv"] * bool(entry["probe"])
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
    dictionary = MECHANISMS[wildcards.mechanism]["dictionary"]
    return [
        f"results/mechanism/{wildcards.mechanism}/dictionaries/{kind}/{seed}.safetensors"
        for kind in get_kinds(wildcards.mechanism)
        for seed in range(dictionary["seeds"])
    ]


def get_dictionary_settings(wildcards):
    """What a dictionary depends on, the number of seeds apart."""
    dictionary = MECHANISMS[wildcards.mechanism]["dictionary"]
    return canonical(
        {key: dictionary[key] for key in dictionary if key not in ("seeds", "kind")}
    )


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
    entry = MECHANISMS[wildcards.mechanism]
    if isinstance(entry["sequences"], dict):
        return []
    return f"results/{entry['model']}/{entry['sequences']}/sequences.parquet"


def get_mechanism_background(wildcards):
    """The sequences that the background counts, where it is drawn from."""
    entry = MECHANISMS[wildcards.mechanism]
    counted = counted_sequences(MODELS[entry["model"]]["background"])
    drawn = isinstance(entry["sequences"], dict)
    return SEQUENCES[counted]["path"] if drawn and counted else []


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
