# Sets the sketch beside other methods on some of the sequences, if the config enables `compare`.
rule compare_methods:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        students="results/{model}/spectrum/students.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        sequences="results/{model}/{sequences}/sequences.parquet",
        model=get_model_files,
    output:
        table=report(
            "results/{model}/{sequences}/comparison.tsv",
            caption="../report/methods.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"table": "beside other methods"},
        ),
    log:
        "logs/{model}/{sequences}/compare_methods.log",
    benchmark:
        "benchmarks/{model}/{sequences}/compare_methods.tsv"
    conda:
        f"../../envs/compare{VARIANT}.yaml"
    threads: 4
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=get_gpus,
    params:
        source=lambda wildcards: get_source(wildcards.model),
        batch_size=lambda wildcards: MODELS[wildcards.model]["sketch"]["batch_size"],
        seed=lambda wildcards: MODELS[wildcards.model]["sketch"]["seed"],
        budget=lambda wildcards: stop_rule(
            MODELS[wildcards.model]["sketch"]["budget"]
        )[0],
        exact=lambda wildcards: wildcards.model in TREES,
        compare=config["compare"],
        version=VERSIONS["compare"],
    script:
        "../scripts/compare_methods.py"


rule draw_comparison:
    input:
        table="results/{model}/{sequences}/comparison.tsv",
    output:
        figures=report(
            directory("results/{model}/{sequences}/comparison"),
            patterns=["{output}.{figure}.svg"],
            caption="../report/methods.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"output": "{output}", "figure": "{figure}"},
        ),
    log:
        "logs/{model}/{sequences}/draw_comparison.log",
    benchmark:
        "benchmarks/{model}/{sequences}/draw_comparison.tsv"
    conda:
        "../../envs/motifs.yaml"
    resources:
        mem_mb=get_megabytes(1000),
        runtime=10,
    params:
        version=VERSIONS["compare"],
    script:
        "../scripts/draw_comparison.py"
