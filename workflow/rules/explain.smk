# Checks the sequences, explains them shard by shard, and puts the tables together; writes what TF-MoDISco reads.
rule prepare_sequences:
    input:
        sequences=lambda wildcards: QUERIES[wildcards.queries]["path"],
    output:
        sequences="results/{model}/{queries}/sequences.parquet",
        dropped="results/{model}/{queries}/dropped.tsv",
    log:
        "logs/{model}/{queries}/prepare_sequences.log",
    benchmark:
        "benchmarks/{model}/{queries}/prepare_sequences.tsv"
    priority: 100
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        template=lambda wildcards: MODELS[wildcards.model]["template"],
        ambiguous=lambda wildcards: QUERIES[wildcards.queries]["ambiguous"],
        mismatch=lambda wildcards: QUERIES[wildcards.queries]["mismatch"],
        group=lambda wildcards: QUERIES[wildcards.queries]["group"],
        table_schema=TABLE_SCHEMA,
    script:
        "../scripts/prepare_sequences.py"


rule explain_sequences:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        students="results/{model}/spectrum/students.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        sequences="results/{model}/{queries}/sequences.parquet",
        model=get_model_files,
    output:
        # Not removed before the job: what a crash has left whole is not explained again.
        **{
            name: update(
                f"results/{{model}}/{{queries}}/shards/{{scatteritem}}.{table}.parquet"
            )
            for name, table in EXPLANATIONS.items()
        },
        seal=update("results/{model}/{queries}/shards/{scatteritem}.json"),
    log:
        "logs/{model}/{queries}/explain_sequences/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/{queries}/explain_sequences/{scatteritem}.tsv"
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
        seals=get_explanation_shards("json"),
        sequences="results/{model}/{queries}/sequences.parquet",
    output:
        **{
            name: f"results/{{model}}/{{queries}}/{table}.parquet"
            for name, table in EXPLANATIONS.items()
        },
        faithfulness="results/{model}/{queries}/faithfulness.json",
    log:
        "logs/{model}/{queries}/merge_explanations.log",
    benchmark:
        "benchmarks/{model}/{queries}/merge_explanations.tsv"
    wildcard_constraints:
        model=any_of(MODELS if not MASKED else []),
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        outputs=lambda wildcards: get_outputs(wildcards.model),
        version=VERSIONS["explain"],
    script:
        "../scripts/merge_explanations.py"


rule write_hypothetical:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        sequences="results/{model}/{queries}/sequences.parquet",
    output:
        folder=directory("results/{model}/{queries}/hypothetical"),
    log:
        "logs/{model}/{queries}/write_hypothetical.log",
    benchmark:
        "benchmarks/{model}/{queries}/write_hypothetical.tsv"
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=60,
    params:
        version=VERSIONS["explain"],
    script:
        "../scripts/write_hypothetical.py"
