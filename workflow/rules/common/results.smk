# What is made of the analyses of a config, and what is recorded of each.
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
    """Everything that an analysis reads and the workflow has not made, or that its config names."""
    model = MODELS[wildcards.model]
    read = [SEQUENCES[name] for name in (wildcards.sequences, *near_names(model))]
    background = get_background_sequences(wildcards)
    files = [
        *get_model_files(wildcards),
        *(one[key] for one in read for key in ("path", "genome") if key in one),
        *([background] if background else []),
        *get_compared_files(wildcards.model),
    ]
    return list(dict.fromkeys(files))


def get_compared_files(model):
    """What a model's answers and motifs are compared with."""
    source, motifs = MODELS[model]["source"], config["motifs"]
    return [
        *([source["reference"]] if "reference" in source else []),
        *([motifs["database"]] if "database" in motifs else []),
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
    """Whether a file of sequences is a table with the column of group labels; intervals have none."""
    if "genome" in others:
        return False
    try:
        return has_column(path, group)
    except errors.InputError:
        return False  # prepare_sequences tells what is wrong with it
    except ImportError:
        return True  # PyArrow, which is not installed beside Snakemake, would tell


def get_every(pattern):
    """A file of each analysis, in their order."""
    return [
        f"results/{pattern.format(model=model, sequences=sequences)}"
        for model, sequences in ANALYSES
    ]
