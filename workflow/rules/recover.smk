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
        estimator=lambda wildcards: MODELS[wildcards.model]["recovery"]["estimator"],
        max_order=lambda wildcards: MODELS[wildcards.model]["recovery"]["max_order"],
        version=VERSIONS["recovery"],
    script:
        "../scripts/recover_spectrum.py"
