# Explains sequences by masking each of them (explain.mode: masks), without a sketch: the model is asked shard by shard,
# students learn all answers, and each shard is explained from its answers and the students.
rule ask_masks:
    input:
        sequences="results/{model}/{sequences}/sequences.parquet",
        model=get_model_files,
        background=get_background_sequences,
        check=get_check,
    output:
        # Not removed before the job: what a crash has left whole is not asked again.
        answers=update("results/{model}/{sequences}/masks/{scatteritem}.answers.npz"),
        manifest=update("results/{model}/{sequences}/masks/{scatteritem}.answers.json"),
    log:
        "logs/{model}/{sequences}/ask_masks/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/{sequences}/ask_masks/{scatteritem}.tsv"
    wildcard_constraints:
        model=any_of(MODELS if MASKED else []),
    retries: RETRIES
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=get_gpus,
    params:
        model=get_mask_settings,
        source=lambda wildcards: get_source(wildcards.model),
        masks=canonical(config["explain"]["masks"]),
        version=VERSIONS["masks"],
    script:
        "../scripts/ask_masks.py"


rule train_masks:
    input:
        sequences="results/{model}/{sequences}/sequences.parquet",
        background=get_background_sequences,
        answers=get_explanation_shards("answers.npz", "masks"),
        manifests=get_explanation_shards("answers.json", "masks"),
    output:
        students="results/{model}/{sequences}/masks/students.npz",
    log:
        "logs/{model}/{sequences}/train_masks.log",
    benchmark:
        "benchmarks/{model}/{sequences}/train_masks.tsv"
    wildcard_constraints:
        model=any_of(MODELS if MASKED else []),
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    threads: 2
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=get_gpus,
    params:
        model=get_mask_settings,
        masks=canonical(config["explain"]["masks"]),
        version=VERSIONS["masks"],
    script:
        "../scripts/train_masks.py"


rule explain_masks:
    input:
        sequences="results/{model}/{sequences}/sequences.parquet",
        background=get_background_sequences,
        answers="results/{model}/{sequences}/masks/{scatteritem}.answers.npz",
        asked="results/{model}/{sequences}/masks/{scatteritem}.answers.json",
        students="results/{model}/{sequences}/masks/students.npz",
    output:
        # Not removed before the job: what a crash has left whole is not explained again.
        **{
            name: update(
                f"results/{{model}}/{{sequences}}/masks/{{scatteritem}}.{table}.parquet"
            )
            for name, table in MASK_TABLES.items()
        },
        **(
            {
                "hypothetical": update(
                    "results/{model}/{sequences}/masks/{scatteritem}.hypothetical.npz"
                )
            }
            if config["explain"]["hypothetical"]
            else {}
        ),
        fits=update("results/{model}/{sequences}/masks/{scatteritem}.fits.npz"),
        manifest=update("results/{model}/{sequences}/masks/{scatteritem}.json"),
    log:
        "logs/{model}/{sequences}/explain_masks/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/{sequences}/explain_masks/{scatteritem}.tsv"
    wildcard_constraints:
        model=any_of(MODELS if MASKED else []),
    retries: RETRIES
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        model=get_mask_settings,
        masks=canonical(config["explain"]["masks"]),
        listing=get_listing(),
        letters=lambda wildcards: wants_letters(wildcards.model),
        version=VERSIONS["masks"],
    script:
        "../scripts/explain_masks.py"


rule merge_masks:
    input:
        **{
            name: get_explanation_shards(f"{table}.parquet", "masks")
            for name, table in MASK_TABLES.items()
        },
        manifests=get_explanation_shards("json", "masks"),
        check=get_check,
    output:
        **{
            name: f"results/{{model}}/{{sequences}}/{table}.parquet"
            for name, table in MASK_TABLES.items()
        },
        faithfulness="results/{model}/{sequences}/faithfulness.json",
    log:
        "logs/{model}/{sequences}/merge_masks.log",
    benchmark:
        "benchmarks/{model}/{sequences}/merge_masks.tsv"
    wildcard_constraints:
        model=any_of(MODELS if MASKED else []),
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        outputs=lambda wildcards: get_outputs(wildcards.model),
        placed=lambda wildcards: wildcards.sequences in INTERVALS,
        folds=lambda wildcards: get_mask_settings(wildcards).get("folds", 0),
        version=VERSIONS["masks"],
    script:
        "../scripts/merge_masks.py"


# Stretches of contributions that stand out and look alike, and what TF-MoDISco needs to find them by itself.
rule aggregate_stretches:
    input:
        sequences="results/{model}/{sequences}/sequences.parquet",
        letters="results/{model}/{sequences}/letter_contributions.parquet",
        errors="results/{model}/{sequences}/shapley_errors.parquet",
        faithfulness="results/{model}/{sequences}/faithfulness.json",
    output:
        motifs="results/{model}/{sequences}/motifs/motifs.tsv",
        placements="results/{model}/{sequences}/motifs/placements.tsv",
        motif_matrices="results/{model}/{sequences}/motifs/motif_matrices.tsv",
        instances="results/{model}/{sequences}/motifs/instances.tsv",
        bed="results/{model}/{sequences}/motifs/instances.bed",
        meme="results/{model}/{sequences}/motifs/motifs.meme",
        found="results/{model}/{sequences}/motifs/found.json",
    log:
        "logs/{model}/{sequences}/aggregate_stretches.log",
    benchmark:
        "benchmarks/{model}/{sequences}/aggregate_stretches.tsv"
    wildcard_constraints:
        model=any_of(MODELS if MASKED else []),
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(4000),
        runtime=60,
    params:
        model=get_mask_settings,
        masks=canonical(config["explain"]["masks"]),
        settings=get_motif_settings,
        version=VERSIONS["motifs"],
    script:
        "../scripts/aggregate_stretches.py"


rule write_mask_hypothetical:
    input:
        shards=(
            get_explanation_shards("hypothetical.npz", "masks")
            if config["explain"]["hypothetical"]
            else []
        ),
        letters="results/{model}/{sequences}/letter_contributions.parquet",
        sequences="results/{model}/{sequences}/sequences.parquet",
    output:
        folder=directory("results/{model}/{sequences}/hypothetical"),
    log:
        "logs/{model}/{sequences}/write_mask_hypothetical.log",
    benchmark:
        "benchmarks/{model}/{sequences}/write_mask_hypothetical.tsv"
    wildcard_constraints:
        model=any_of(MODELS if MASKED and config["explain"]["hypothetical"] else []),
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(4000),
        runtime=60,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        outputs=lambda wildcards: get_outputs(wildcards.model),
        version=VERSIONS["masks"],
    script:
        "../scripts/write_mask_hypothetical.py"


rule report_masks:
    input:
        **{
            name: f"results/{{model}}/{{sequences}}/{table}.parquet"
            for name, table in MASK_TABLES.items()
        },
        sequences="results/{model}/{sequences}/sequences.parquet",
        dropped="results/{model}/{sequences}/dropped.tsv",
        faithfulness="results/{model}/{sequences}/faithfulness.json",
        motifs=get_stretches,
        tomtom=lambda wildcards: (
            get_tomtom(wildcards) if has_stretches(wildcards.model) else []
        ),
        hypothetical=(
            "results/{model}/{sequences}/hypothetical"
            if config["explain"]["hypothetical"]
            else []
        ),
        outside=get_outside_files,
        template=workflow.source_path("../report/masks.html.j2"),
        style=workflow.source_path("../report/page.css"),
        scripts=[
            workflow.source_path(f"../report/{name}")
            for name in ("draw.js", "logo.js", "mask_motifs.js", "masks.js")
        ],
    output:
        report=report(
            "results/{model}/{sequences}/report.html",
            caption="../report/masks.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"table": "the whole report"},
        ),
        summary="results/{model}/{sequences}/summary.txt",
        provenance="results/{model}/{sequences}/provenance.json",
    log:
        "logs/{model}/{sequences}/report_masks.log",
    benchmark:
        "benchmarks/{model}/{sequences}/report_masks.tsv"
    wildcard_constraints:
        model=any_of(MODELS if MASKED else []),
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        config=lambda wildcards: get_analysis_config(
            wildcards.model, wildcards.sequences
        ),
        outside=get_outside_files,
        background=lambda wildcards: canonical(MODELS[wildcards.model]["background"]),
        outputs=lambda wildcards: get_output_words(wildcards.model),
        template=lambda wildcards: MODELS[wildcards.model]["template"],
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        colors=config["motifs"]["colors"],
        strands=config["motifs"]["reverse_complement"],
        masks=canonical(config["explain"]["masks"]),
        listing=get_listing(),
        version=VERSIONS["report"],
    script:
        "../scripts/report_masks.py"
