# Reads variants against a genome or a sequence, asks the model about each shard by shard, and writes their effects.
rule prepare_variants:
    input:
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        genome=get_genome,
        alignment=get_alignment,
    output:
        variants="results/{model}/{variants}/placed.parquet",
        dropped="results/{model}/{variants}/dropped.tsv",
    log:
        "logs/{model}/{variants}/prepare_variants.log",
    benchmark:
        "benchmarks/{model}/{variants}/prepare_variants.tsv"
    priority: 100
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        template=lambda wildcards: MODELS[wildcards.model]["template"],
        reads_unknown=lambda wildcards: "unknown_letters" in get_source(wildcards.model),
        settings=get_variant_settings,
        scoring=get_scoring_settings,
        version=VERSIONS["variants"],
    script:
        "../scripts/prepare_variants.py"


rule ask_variants:
    input:
        placed="results/{model}/{variants}/placed.parquet",
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        genome=get_genome,
        model=get_model_files,
        check=get_check,
        spectrum=get_variant_spectrum,
    output:
        # Not removed before the job: what a crash has left whole is not asked again.
        effects=update(
            "results/{model}/{variants}/shards/{scatteritem}.effects.parquet"
        ),
        manifest=update("results/{model}/{variants}/shards/{scatteritem}.json"),
    log:
        "logs/{model}/{variants}/ask_variants/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/{variants}/ask_variants/{scatteritem}.tsv"
    retries: RETRIES
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=get_gpus,
    params:
        model=get_asked_model,
        source=lambda wildcards: get_source(wildcards.model),
        settings=get_variant_settings,
        null=get_null_changes,
        version=VERSIONS["variants"],
    script:
        "../scripts/ask_variants.py"


rule merge_variants:
    input:
        effects=get_variant_shards("effects.parquet"),
        manifests=get_variant_shards("json"),
    output:
        effects="results/{model}/{variants}/variants.parquet",
        effects_tsv="results/{model}/{variants}/variants.tsv",
    log:
        "logs/{model}/{variants}/merge_variants.log",
    benchmark:
        "benchmarks/{model}/{variants}/merge_variants.tsv"
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        version=VERSIONS["variants"],
    script:
        "../scripts/merge_variants.py"


rule group_haplotypes:
    input:
        placed="results/{model}/{variants}/placed.parquet",
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        genome=get_genome,
    output:
        haplotypes="results/{model}/{variants}/placed_haplotypes.parquet",
        left_out="results/{model}/{variants}/haplotypes_left_out.tsv",
    log:
        "logs/{model}/{variants}/group_haplotypes.log",
    benchmark:
        "benchmarks/{model}/{variants}/group_haplotypes.tsv"
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        template=lambda wildcards: MODELS[wildcards.model]["template"],
        reads_unknown=lambda wildcards: "unknown_letters" in get_source(wildcards.model),
        settings=get_variant_settings,
        samples=lambda wildcards: VARIANTS[wildcards.variants]["haplotypes"]["samples"],
        version=VERSIONS["variants"],
    script:
        "../scripts/group_haplotypes.py"


rule ask_haplotypes:
    input:
        placed="results/{model}/{variants}/placed_haplotypes.parquet",
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        genome=get_genome,
        model=get_model_files,
        check=get_check,
    output:
        # Not removed before the job: what a crash has left whole is not asked again.
        values=update(
            "results/{model}/{variants}/haplotypes/{scatteritem}.values.parquet"
        ),
        pairs=update(
            "results/{model}/{variants}/haplotypes/{scatteritem}.pairs.parquet"
        ),
        manifest=update("results/{model}/{variants}/haplotypes/{scatteritem}.json"),
    log:
        "logs/{model}/{variants}/ask_haplotypes/{scatteritem}.log",
    benchmark:
        "benchmarks/{model}/{variants}/ask_haplotypes/{scatteritem}.tsv"
    retries: RETRIES
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=get_gpus,
    params:
        model=get_asked_model,
        source=lambda wildcards: get_source(wildcards.model),
        settings=get_variant_settings,
        haplotypes=lambda wildcards: canonical(
            VARIANTS[wildcards.variants]["haplotypes"]
        ),
        version=VERSIONS["variants"],
    script:
        "../scripts/ask_haplotypes.py"


rule merge_haplotypes:
    input:
        values=get_variant_shards("values.parquet", "haplotypes"),
        pairs=get_variant_shards("pairs.parquet", "haplotypes"),
        manifests=get_variant_shards("json", "haplotypes"),
    output:
        values="results/{model}/{variants}/haplotypes.parquet",
        values_tsv="results/{model}/{variants}/haplotypes.tsv",
        pairs="results/{model}/{variants}/haplotype_interactions.parquet",
        pairs_tsv="results/{model}/{variants}/haplotype_interactions.tsv",
    log:
        "logs/{model}/{variants}/merge_haplotypes.log",
    benchmark:
        "benchmarks/{model}/{variants}/merge_haplotypes.tsv"
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        version=VERSIONS["variants"],
    script:
        "../scripts/merge_variants.py"


rule score_variants:
    input:
        effects=get_scored_effects,
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        alignment=get_alignment,
        track=lambda wildcards: VARIANTS[wildcards.variants].get("conservation", []),
    output:
        scores="results/{model}/{variants}/scores.tsv",
        confusion="results/{model}/{variants}/confusion.tsv",
        predictions="results/{model}/{variants}/predictions.tsv",
        by_position="results/{model}/{variants}/by_position.tsv",
    log:
        "logs/{model}/{variants}/score_variants.log",
    benchmark:
        "benchmarks/{model}/{variants}/score_variants.tsv"
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=60,
    params:
        models=get_scored_models,
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        settings=get_scoring_settings,
        protein=lambda wildcards: "genome" not in VARIANTS[wildcards.variants],
        seed=lambda wildcards: MODELS[wildcards.model]["sketch"]["seed"],
        version=VERSIONS["variants"],
    script:
        "../scripts/score_variants.py"


rule write_vcf:
    input:
        table="results/{model}/{variants}/variants.parquet",
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        genome=get_genome,
    output:
        vcf="results/{model}/{variants}/variants.vcf.gz",
    log:
        "logs/{model}/{variants}/write_vcf.log",
    benchmark:
        "benchmarks/{model}/{variants}/write_vcf.tsv"
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=60,
    params:
        outputs=lambda wildcards: get_outputs(wildcards.model),
        version=VERSIONS["variants"],
    script:
        "../scripts/write_vcf.py"


# Saturation mutagenesis of explained sequences: every single change is a look-up in the spectrum.
rule write_mutations:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        sequences="results/{model}/{sequences}/sequences.parquet",
        model=get_model_files,
    output:
        mutations="results/{model}/{sequences}/mutations/mutations.parquet",
        mean="results/{model}/{sequences}/mutations/mean.tsv",
        checked="results/{model}/{sequences}/mutations/checked.tsv",
    log:
        "logs/{model}/{sequences}/write_mutations.log",
    benchmark:
        "benchmarks/{model}/{sequences}/write_mutations.tsv"
    conda:
        f"../../envs/explain{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=60,
        gpu=get_gpus,
    params:
        source=lambda wildcards: get_source(wildcards.model),
        batch_size=lambda wildcards: MODELS[wildcards.model]["sketch"]["batch_size"],
        predict=lambda wildcards: (
            config["explain"]["predict"]
            and get_source(wildcards.model)["kind"] != "table"
        ),
        checked=CHECKED_CHANGES,
        version=VERSIONS["variants"],
    script:
        "../scripts/write_mutations.py"


rule draw_mutations:
    input:
        mutations="results/{model}/{sequences}/mutations/mutations.parquet",
        mean="results/{model}/{sequences}/mutations/mean.tsv",
    output:
        figures=report(
            directory("results/{model}/{sequences}/mutations/figures"),
            patterns=["{output}.{figure}.svg"],
            caption="../report/mutations.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"output": "{output}", "figure": "{figure}"},
        ),
    log:
        "logs/{model}/{sequences}/draw_mutations.log",
    benchmark:
        "benchmarks/{model}/{sequences}/draw_mutations.tsv"
    conda:
        "../../envs/motifs.yaml"
    resources:
        mem_mb=get_megabytes(1000),
        runtime=20,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        drawn=12,
    script:
        "../scripts/draw_mutations.py"


rule compare_contributions:
    input:
        effects="results/{model}/{variants}/variants.parquet",
        spectrum="results/{model}/spectrum/spectrum.npz",
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        genome=get_genome,
    output:
        contributions="results/{model}/{variants}/contributions.parquet",
    log:
        "logs/{model}/{variants}/compare_contributions.log",
    benchmark:
        "benchmarks/{model}/{variants}/compare_contributions.tsv"
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        settings=get_variant_settings,
        version=VERSIONS["variants"],
    script:
        "../scripts/compare_contributions.py"


rule separate_classes:
    input:
        effects="results/{model}/{variants}/variants.parquet",
        spectrum="results/{model}/spectrum/spectrum.npz",
        variants=lambda wildcards: VARIANTS[wildcards.variants]["path"],
        genome=get_genome,
    output:
        separation="results/{model}/{variants}/separation.tsv",
    log:
        "logs/{model}/{variants}/separate_classes.log",
    benchmark:
        "benchmarks/{model}/{variants}/separate_classes.tsv"
    conda:
        f"../../envs/genome{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=60,
    params:
        settings=get_variant_settings,
        positive=lambda wildcards: VARIANTS[wildcards.variants]["positive"],
        negative=lambda wildcards: VARIANTS[wildcards.variants]["negative"],
        seed=lambda wildcards: MODELS[wildcards.model]["sketch"]["seed"],
        version=VERSIONS["variants"],
    script:
        "../scripts/separate_classes.py"


rule report_variants:
    input:
        unpack(get_variant_tables),
        spectrum=get_variant_spectrum,
        outside=get_variants_outside,
        results=get_recorded_variants,
        template=workflow.source_path("../report/variants.html.j2"),
        style=workflow.source_path("../report/page.css"),
        scripts=[
            workflow.source_path(f"../report/{name}")
            for name in ("draw.js", "logo.js", "variants.js")
        ],
    output:
        page=report(
            "results/{model}/{variants}/variants.html",
            caption="../report/variants.rst",
            category="{model}",
            subcategory="{variants}",
            labels={"table": "variants"},
        ),
        provenance=report(
            "results/{model}/{variants}/provenance.json",
            caption="../report/provenance.rst",
            category="{model}",
            subcategory="{variants}",
            labels={"table": "provenance: config, hashes, versions"},
        ),
    log:
        "logs/{model}/{variants}/report_variants.log",
    benchmark:
        "benchmarks/{model}/{variants}/report_variants.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        colors=config["motifs"]["colors"],
        settings=get_scoring_settings,
        config=get_variants_config,
        outside=get_variants_outside,
        version=VERSIONS["report"],
    script:
        "../scripts/report_variants.py"
