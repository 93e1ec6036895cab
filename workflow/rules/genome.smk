# Writes results in the coordinates of the genome, where sequences are intervals of one.
rule write_tracks:
    input:
        sequences="results/{model}/{sequences}/sequences.parquet",
        values="results/{model}/{sequences}/shapley_values.parquet",
        interactions="results/{model}/{sequences}/interactions.parquet",
        instances=([] if MASKED else "results/{model}/{sequences}/motifs/instances.tsv"),
        genome=lambda wildcards: SEQUENCES[wildcards.sequences]["genome"],
    output:
        folder=directory("results/{model}/{sequences}/genome"),
    log:
        "logs/{model}/{sequences}/write_tracks.log",
    benchmark:
        "benchmarks/{model}/{sequences}/write_tracks.tsv"
    wildcard_constraints:
        sequences=any_of(INTERVALS),
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(4000),
        runtime=60,
    params:
        outputs=lambda wildcards: get_outputs(wildcards.model),
        version=VERSIONS["variants"],
    script:
        "../scripts/write_tracks.py"
