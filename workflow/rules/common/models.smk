# What rules need of a model: its source, files, outputs, folds, GPUs and cost.
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


def get_check(wildcards):
    """The first look at a model, where it has one."""
    wanted = wildcards.model in CHECKED
    return f"results/{wildcards.model}/sketch/check.json" if wanted else []


def get_reference(wildcards):
    return MODELS[wildcards.model]["source"].get("reference", [])


def get_work(model):
    """What the cost of a model depends on, its rate and the number of its sequences apart."""
    sketch, kind = MODELS[model]["sketch"], get_source(model)["kind"]
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
        "asked": asked_of_each(config["explain"], kind),
        "masked": MASKED,
        "alphabet": MODELS[model]["alphabet"],
        "template": MODELS[model]["template"],
        "students": config["explain"]["masks"]["estimator"] in ("auto", "student"),
        "sequences": [sequences for name, sequences in ANALYSES if name == model],
        "folds": len(get_source(model).get("folds", [])),
        "curve": MODELS[model]["recovery"]["learning_curve"],
        "changes": config["explain"]["mutations"]
        and config["explain"]["predict"]
        and kind != "table",
    }


def get_gpus(wildcards):
    """How many GPUs a job that asks the model needs."""
    return get_gpus_of(wildcards.model)


def get_gpus_of(model):
    return gpus_on(get_source(model).get("device", "cpu"))


def gpus_on(device):
    """One for a device that is or may be a GPU; no such resource otherwise, as Kubernetes takes 0 for a wish, too."""
    return None if device == "cpu" else 1
