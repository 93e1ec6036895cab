# What rules need of a sketch and its recovery: settings, rounds, shards, memory and time.
def get_sketch_settings(model):
    """What determines the plan; the rest of the model's config must not make it stale."""
    settings = {
        key: MODELS[model][key] for key in ("alphabet", "template", "background")
    }
    sketch = {
        key: value for key, value in MODELS[model]["sketch"].items() if key != "shards"
    }
    return canonical(settings | {"outputs": get_outputs(model), "sketch": sketch})


def get_near_sequences(wildcards):
    """The sequences that a share of the sketch is asked near."""
    names = near_names(MODELS[wildcards.model])
    return [f"results/{wildcards.model}/{name}/sequences.parquet" for name in names]


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


def get_megabytes(base):
    """Memory that doubles with every attempt."""
    return lambda wildcards, attempt: base * 2 ** (attempt - 1)


def get_sampling_minutes(wildcards, attempt):
    """An hour, or twice what a shard should take where that is known; more with every attempt."""
    seconds = (get_rate(wildcards.model) or 0) * stop_rule(
        MODELS[wildcards.model]["sketch"]["budget"]
    )[0]
    return attempt * max(60, int(2 * seconds / SHARDS[wildcards.model] / 60))
