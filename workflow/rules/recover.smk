# Recovers the spectrum of every output and scores it; models that are trees are expanded exactly instead.
rule recover_spectrum:
    input:
        plan="results/{model}/sketch/plan.json",
        sketch="results/{model}/sketch/sketch.npz",
    output:
        spectrum="results/{model}/spectrum/spectrum.npz",
        students="results/{model}/spectrum/students.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        holdout="results/{model}/spectrum/holdout.tsv",
    log:
        "logs/{model}/recover_spectrum.log",
    benchmark:
        "benchmarks/{model}/recover_spectrum.tsv"
    wildcard_constraints:
        model=any_of(model for model in MODELS if model not in TREES),
    conda:
        f"../../envs/recover{VARIANT}.yaml"
    threads: 4
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        estimator=get_recovery("estimator"),
        max_order=get_recovery("max_order"),
        minutes=get_recovery("minutes"),
        version=VERSIONS["recovery"],
    script:
        "../scripts/recover_spectrum.py"


# Recovers the spectra of a model's folds, from the same queries.
rule recover_folds:
    input:
        plan="results/{model}/sketch/plan.json",
        sketch="results/{model}/sketch/sketch.npz",
    output:
        spectra="results/{model}/spectrum/folds.npz",
        scores="results/{model}/spectrum/folds.json",
    log:
        "logs/{model}/recover_folds.log",
    benchmark:
        "benchmarks/{model}/recover_folds.tsv"
    wildcard_constraints:
        model=any_of(FOLDED),
    conda:
        f"../../envs/recover{VARIANT}.yaml"
    threads: 4
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        estimator=get_recovery("estimator"),
        max_order=get_recovery("max_order"),
        minutes=get_recovery("minutes"),
        version=VERSIONS["recovery"],
    script:
        "../scripts/recover_folds.py"


rule expand_trees:
    input:
        model=get_model_files,
        background=get_background_sequences,
        check=get_check,
    output:
        spectrum="results/{model}/spectrum/spectrum.npz",
        students="results/{model}/spectrum/students.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        holdout="results/{model}/spectrum/holdout.tsv",
    log:
        "logs/{model}/expand_trees.log",
    benchmark:
        "benchmarks/{model}/expand_trees.tsv"
    wildcard_constraints:
        model=any_of(TREES),
    conda:
        f"../../envs/recover{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        model=lambda wildcards: get_sketch_settings(wildcards.model),
        source=lambda wildcards: get_source(wildcards.model),
        max_order=get_recovery("max_order"),
        version=VERSIONS["recovery"],
    script:
        "../scripts/expand_trees.py"


# R2 against evaluations, from the rounds of the plan.
rule learning_curve:
    input:
        plan="results/{model}/sketch/plan.json",
        sketch="results/{model}/sketch/sketch.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        rounds=get_round_scores,
    output:
        curve="results/{model}/spectrum/learning_curve.tsv",
    log:
        "logs/{model}/learning_curve.log",
    benchmark:
        "benchmarks/{model}/learning_curve.tsv"
    conda:
        f"../../envs/recover{VARIANT}.yaml"
    threads: 4
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        max_order=get_recovery("max_order"),
        minutes=get_recovery("minutes"),
        version=VERSIONS["recovery"],
    script:
        "../scripts/learning_curve.py"
