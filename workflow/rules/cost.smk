# What a run will cost: measures each model's rate for some seconds, and writes jobs, seconds and core hours.
rule measure_rate:
    input:
        plan="results/{model}/sketch/plan.json",
        model=get_model_files,
    output:
        rate="results/{model}/sketch/rate.json",
    log:
        "logs/{model}/measure_rate.log",
    benchmark:
        "benchmarks/{model}/measure_rate.tsv"
    conda:
        f"../../envs/sketch{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
        gpu=get_gpus,
    params:
        source=lambda wildcards: get_source(wildcards.model),
    script:
        "../scripts/measure_rate.py"


rule estimate:
    input:
        rates=[
            f"results/{model}/sketch/rate.json"
            for model in dict(ANALYSES)
            if model not in TREES
        ],
        checks=[
            f"results/{model}/sketch/check.json"
            for model in dict(ANALYSES)
            if model in CHECKED
        ],
        sequences=[
            f"results/{model}/{sequences}/sequences.parquet"
            for model in dict(ANALYSES)
            for sequences in get_work(model)["sequences"]
        ],
        sizes=["results/modules.json"] if MECHANISMS else [],
        mechanism_rates=[
            f"results/{MECHANISMS[name]['model']}/sketch/rate.json"
            for name in MECHANISMS
        ],
        mechanism_sequences=[
            f"results/{own['model']}/{own['sequences']}/sequences.parquet"
            for own in MECHANISMS.values()
            if isinstance(own["sequences"], str)
        ],
    output:
        table="results/estimate.tsv",
    log:
        "logs/estimate.log",
    benchmark:
        "benchmarks/estimate.tsv"
    conda:
        f"../../envs/sketch{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(500),
        runtime=10,
    params:
        models={model: get_work(model) for model in dict(ANALYSES)},
        unasked=sorted(TREES),
        checked=CHECKED,
        compare=config["compare"],
        mechanisms=MECHANISMS,
        variants=list(VARIANTS),
    script:
        "../scripts/estimate_cost.py"
