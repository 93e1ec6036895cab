# Looks at the model, plans the queries, evaluates the model at them shard by shard, and puts the shards together.
rule check_model:
    input:
        model=get_model_files,
        background=get_background_sequences,
        reference=get_reference,
    output:
        check="results/{model}/sketch/check.json",
    log:
        "logs/{model}/check_model.log",
    benchmark:
        "benchmarks/{model}/check_model.tsv"
    priority: 90
    retries: RETRIES
    conda:
        f"../../envs/sketch{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=lambda wildcards, attempt: 20 * attempt,
        gpu=get_gpus,
    params:
        model=lambda wildcards: get_sketch_settings(wildcards.model),
        source=lambda wildcards: get_source(wildcards.model),
        masks=config["explain"]["masks"]["budget"] if MASKED else None,
        version=VERSIONS["check"],
    script:
        "../scripts/check_model.py"


rule plan_sketch:
    input:
        model=get_model_files,
        background=get_background_sequences,
        near=get_near_sequences,
        check=get_check,
    output:
        plan="results/{model}/sketch/plan.json",
        left_out="results/{model}/sketch/left_out.tsv",
    log:
        "logs/{model}/plan_sketch.log",
    benchmark:
        "benchmarks/{model}/plan_sketch.tsv"
    conda:
        f"../../envs/sketch{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(1000),
        runtime=10,
    params:
        model=lambda wildcards: get_sketch_settings(wildcards.model),
        source=lambda wildcards: get_source(wildcards.model),
        reader=lambda wildcards: READERS.get(get_source(wildcards.model)["kind"], 1),
    script:
        "../scripts/plan_sketch.py"


rule sample_sketch:
    input:
        plan="results/{model}/sketch/plan.json",
        model=get_model_files,
        before=get_round_before,
    output:
        # Not removed before the job: what a crash has left whole is not sampled again.
        shard=update("results/{model}/sketch/shards/{scatteritem}.npz"),
    log:
        "logs/{model}/sample_sketch/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/sample_sketch/{scatteritem}.tsv"
    retries: RETRIES
    conda:
        f"../../envs/sketch{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=get_sampling_minutes,
        gpu=get_gpus,
    params:
        source=lambda wildcards: get_source(wildcards.model),
    script:
        "../scripts/sample_sketch.py"


# With a stop rule: recovers what the rounds so far allow, and says whether that is enough.
rule score_round:
    input:
        plan="results/{model}/sketch/plan.json",
        shards=get_sketch_shards,
        before=get_round_before,
    output:
        score="results/{model}/sketch/rounds/{round}.json",
    log:
        "logs/{model}/score_round/{round}.log",
    benchmark:
        "benchmarks/{model}/score_round/{round}.tsv"
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
        "../scripts/score_round.py"


rule merge_sketch:
    input:
        plan="results/{model}/sketch/plan.json",
        shards=get_sketch_shards,
    output:
        sketch="results/{model}/sketch/sketch.npz",
    log:
        "logs/{model}/merge_sketch.log",
    benchmark:
        "benchmarks/{model}/merge_sketch.tsv"
    conda:
        f"../../envs/sketch{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    script:
        "../scripts/merge_sketch.py"
