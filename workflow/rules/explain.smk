# Checks the sequences, explains them shard by shard, and puts the tables together; writes what TF-MoDISco reads.
rule prepare_sequences:
    input:
        sequences=lambda wildcards: SEQUENCES[wildcards.sequences]["path"],
    output:
        sequences="results/{model}/{sequences}/sequences.parquet",
        dropped="results/{model}/{sequences}/dropped.tsv",
    log:
        "logs/{model}/{sequences}/prepare_sequences.log",
    benchmark:
        "benchmarks/{model}/{sequences}/prepare_sequences.tsv"
    wildcard_constraints:
        sequences=any_of(name for name in SEQUENCES if name not in INTERVALS),
    priority: 100
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        template=lambda wildcards: MODELS[wildcards.model]["template"],
        ambiguous=lambda wildcards: SEQUENCES[wildcards.sequences]["ambiguous"],
        mismatch=lambda wildcards: SEQUENCES[wildcards.sequences]["mismatch"],
        group=lambda wildcards: SEQUENCES[wildcards.sequences]["group"],
        table_schema=TABLE_SCHEMA,
    script:
        "../scripts/prepare_sequences.py"


rule prepare_intervals:
    input:
        sequences=lambda wildcards: SEQUENCES[wildcards.sequences]["path"],
        genome=lambda wildcards: SEQUENCES[wildcards.sequences]["genome"],
    output:
        sequences="results/{model}/{sequences}/sequences.parquet",
        dropped="results/{model}/{sequences}/dropped.tsv",
    log:
        "logs/{model}/{sequences}/prepare_intervals.log",
    benchmark:
        "benchmarks/{model}/{sequences}/prepare_intervals.tsv"
    wildcard_constraints:
        sequences=any_of(INTERVALS),
    priority: 100
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=60,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        template=lambda wildcards: MODELS[wildcards.model]["template"],
        settings=lambda wildcards: {
            key: SEQUENCES[wildcards.sequences][key]
            for key in ("ambiguous", "anchor", "feature", "mismatch", "strand")
        },
    script:
        "../scripts/prepare_intervals.py"


rule explain_sequences:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        students="results/{model}/spectrum/students.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        sequences="results/{model}/{sequences}/sequences.parquet",
        folds=get_folds("folds.npz"),
        model=get_model_files,
    output:
        # Not removed before the job: what a crash has left whole is not explained again.
        **{
            name: update(
                f"results/{{model}}/{{sequences}}/shards/{{scatteritem}}.{table}.parquet"
            )
            for name, table in EXPLANATIONS.items()
        },
        manifest=update("results/{model}/{sequences}/shards/{scatteritem}.json"),
    log:
        "logs/{model}/{sequences}/explain_sequences/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/{sequences}/explain_sequences/{scatteritem}.tsv"
    wildcard_constraints:
        model=any_of(MODELS if not MASKED else []),
    retries: RETRIES
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=get_gpus,
    params:
        source=lambda wildcards: get_source(wildcards.model),
        batch_size=lambda wildcards: MODELS[wildcards.model]["sketch"]["batch_size"],
        predict=lambda wildcards: (
            (config["explain"]["predict"] or config["explain"]["refine"])
            and get_source(wildcards.model)["kind"] != "table"
        ),
        seed=lambda wildcards: MODELS[wildcards.model]["sketch"]["seed"],
        refine=config["explain"]["refine"],
        listing=get_listing(),
        version=VERSIONS["explain"],
    script:
        "../scripts/explain_sequences.py"


rule merge_explanations:
    input:
        **{
            name: get_explanation_shards(f"{table}.parquet")
            for name, table in EXPLANATIONS.items()
        },
        manifests=get_explanation_shards("json"),
        fold_scores=get_folds("folds.json"),
        sequences="results/{model}/{sequences}/sequences.parquet",
    output:
        **{
            name: f"results/{{model}}/{{sequences}}/{table}.parquet"
            for name, table in EXPLANATIONS.items()
        },
        faithfulness="results/{model}/{sequences}/faithfulness.json",
    log:
        "logs/{model}/{sequences}/merge_explanations.log",
    benchmark:
        "benchmarks/{model}/{sequences}/merge_explanations.tsv"
    wildcard_constraints:
        model=any_of(MODELS if not MASKED else []),
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        outputs=lambda wildcards: get_outputs(wildcards.model),
        placed=lambda wildcards: wildcards.sequences in INTERVALS,
        version=VERSIONS["explain"],
    script:
        "../scripts/merge_explanations.py"


rule write_hypothetical:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        sequences="results/{model}/{sequences}/sequences.parquet",
    output:
        folder=directory("results/{model}/{sequences}/hypothetical"),
    log:
        "logs/{model}/{sequences}/write_hypothetical.log",
    benchmark:
        "benchmarks/{model}/{sequences}/write_hypothetical.tsv"
    wildcard_constraints:
        model=any_of(MODELS if not MASKED else []),
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=60,
    params:
        version=VERSIONS["explain"],
    script:
        "../scripts/write_hypothetical.py"
