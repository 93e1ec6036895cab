# Checks the sequences, explains them shard by shard, and puts the tables together.
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
        "../../envs/explain.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        template=lambda wildcards: MODELS[wildcards.model]["template"],
        ambiguous=lambda wildcards: QUERIES[wildcards.queries]["ambiguous"],
        mismatch=lambda wildcards: QUERIES[wildcards.queries]["mismatch"],
        table_schema=TABLE_SCHEMA,
    script:
        "../scripts/prepare_sequences.py"


rule explain_sequences:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        sequences="results/{model}/{queries}/sequences.parquet",
        model=get_model_files,
    output:
        values="results/{model}/{queries}/shards/{scatteritem}.shapley_values.parquet",
        interactions="results/{model}/{queries}/shards/{scatteritem}.interactions.parquet",
    log:
        "logs/{model}/{queries}/explain_sequences/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/{queries}/explain_sequences/{scatteritem}.tsv"
    retries: 1
    conda:
        "../../envs/explain.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        source=lambda wildcards: get_source(wildcards.model),
        batch_size=lambda wildcards: MODELS[wildcards.model]["sketch"]["batch_size"],
        predict=lambda wildcards: (
            config["explain"]["predict"]
            and get_source(wildcards.model)["kind"] != "table"
        ),
        indices=config["explain"]["indices"],
        max_order=config["explain"]["max_order"],
        top_k=config["explain"]["top_k"],
        version=VERSIONS["explain"],
    script:
        "../scripts/explain_sequences.py"


rule merge_explanations:
    input:
        values=get_explanation_shards("shapley_values"),
        interactions=get_explanation_shards("interactions"),
    output:
        values="results/{model}/{queries}/shapley_values.parquet",
        interactions="results/{model}/{queries}/interactions.parquet",
        faithfulness="results/{model}/{queries}/faithfulness.json",
    log:
        "logs/{model}/{queries}/merge_explanations.log",
    benchmark:
        "benchmarks/{model}/{queries}/merge_explanations.tsv"
    conda:
        "../../envs/explain.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    script:
        "../scripts/merge_explanations.py"
