# Sums explanations up to motifs, and draws them.
rule aggregate_motifs:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        sequences="results/{model}/{sequences}/sequences.parquet",
        values="results/{model}/{sequences}/shapley_values.parquet",
    output:
        contributions="results/{model}/{sequences}/motifs/contributions.tsv",
        motifs=report(
            "results/{model}/{sequences}/motifs/motifs.tsv",
            caption="../report/motifs.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"table": "strongest interactions"},
        ),
        placements="results/{model}/{sequences}/motifs/placements.tsv",
        motif_matrices="results/{model}/{sequences}/motifs/motif_matrices.tsv",
        instances="results/{model}/{sequences}/motifs/instances.tsv",
        bed="results/{model}/{sequences}/motifs/instances.bed",
        position_interactions="results/{model}/{sequences}/motifs/position_interactions.tsv",
        supports="results/{model}/{sequences}/motifs/supports.tsv",
        support_tables="results/{model}/{sequences}/motifs/support_tables.tsv",
        clusters="results/{model}/{sequences}/motifs/clusters.tsv",
        cluster_members="results/{model}/{sequences}/motifs/cluster_members.tsv",
        meme="results/{model}/{sequences}/motifs/motifs.meme",
    log:
        "logs/{model}/{sequences}/aggregate_motifs.log",
    benchmark:
        "benchmarks/{model}/{sequences}/aggregate_motifs.tsv"
    wildcard_constraints:
        model=any_of(MODELS if not MASKED else []),
    conda:
        "../../envs/motifs.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        settings=get_motif_settings,
        version=VERSIONS["motifs"],
    script:
        "../scripts/aggregate_motifs.py"


rule draw_logos:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        contributions="results/{model}/{sequences}/motifs/contributions.tsv",
        motifs="results/{model}/{sequences}/motifs/motifs.tsv",
        placements="results/{model}/{sequences}/motifs/placements.tsv",
        motif_matrices="results/{model}/{sequences}/motifs/motif_matrices.tsv",
        position_interactions="results/{model}/{sequences}/motifs/position_interactions.tsv",
        supports="results/{model}/{sequences}/motifs/supports.tsv",
        support_tables="results/{model}/{sequences}/motifs/support_tables.tsv",
    output:
        logos=report(
            directory("results/{model}/{sequences}/motifs/logos"),
            patterns=["{output}.{figure}.svg"],
            caption="../report/logos.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"output": "{output}", "figure": "{figure}"},
        ),
    log:
        "logs/{model}/{sequences}/draw_logos.log",
    benchmark:
        "benchmarks/{model}/{sequences}/draw_logos.tsv"
    conda:
        "../../envs/motifs.yaml"
    resources:
        mem_mb=get_megabytes(1000),
        runtime=20,
    params:
        colors=config["motifs"]["colors"],
        version=VERSIONS["motifs"],
    script:
        "../scripts/draw_logos.py"


rule compare_motifs:
    input:
        motif_matrices="results/{model}/{sequences}/motifs/motif_matrices.tsv",
        database=config["motifs"].get("database", []),
    output:
        table=report(
            "results/{model}/{sequences}/motifs/tomtom.tsv",
            caption="../report/tomtom.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"table": "motifs of the database"},
        ),
    log:
        "logs/{model}/{sequences}/compare_motifs.log",
    benchmark:
        "benchmarks/{model}/{sequences}/compare_motifs.tsv"
    conda:
        "../../envs/tomtom.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=30,
    params:
        alphabet=lambda wildcards: MODELS[wildcards.model]["alphabet"],
        both_strands=config["motifs"]["reverse_complement"],
        version=VERSIONS["motifs"],
    script:
        "../scripts/compare_motifs.py"
