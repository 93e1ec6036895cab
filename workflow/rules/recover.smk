# Recovers the spectrum of every output and scores it on the hold-out.
rule recover_spectrum:
    input:
        plan="results/{model}/sketch/plan.json",
        sketch="results/{model}/sketch/sketch.npz",
    output:
        spectrum="results/{model}/spectrum/spectrum.npz",
        students="results/{model}/spectrum/students.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
    log:
        "logs/{model}/recover_spectrum.log",
    benchmark:
        "benchmarks/{model}/recover_spectrum.tsv"
    conda:
        "../../envs/recover.yaml"
    threads: 4
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        estimator=get_recovery("estimator"),
        max_order=get_recovery("max_order"),
        version=VERSIONS["recovery"],
    script:
        "../scripts/recover_spectrum.py"


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
        "../../envs/recover.yaml"
    threads: 4
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        max_order=get_recovery("max_order"),
        version=VERSIONS["recovery"],
    script:
        "../scripts/learning_curve.py"
