# Draws how faithful the spectra are, and puts figures, numbers and sequences on one page.
PAGE_SCRIPTS = [
    "data.js",
    "draw.js",
    "logo.js",
    "charts.js",
    "costs.js",
    "gallery.js",
    "outputs.js",
    "sequences.js",
    "page.js",
]
COMPARISON_SCRIPTS = ["draw.js", "logo.js", "conditions.js", "comparison.js"]


rule draw_faithfulness:
    input:
        holdout="results/{model}/spectrum/holdout.tsv",
        learning_curve=get_learning_curve,
    output:
        figures=report(
            directory("results/{model}/spectrum/figures"),
            patterns=["{output}.{figure}.svg"],
            caption="../report/faithfulness.rst",
            category="{model}",
            subcategory="faithfulness",
            labels={"output": "{output}", "figure": "{figure}"},
        ),
    log:
        "logs/{model}/draw_faithfulness.log",
    benchmark:
        "benchmarks/{model}/draw_faithfulness.tsv"
    conda:
        "../../envs/motifs.yaml"
    resources:
        mem_mb=get_megabytes(1000),
        runtime=10,
    script:
        "../scripts/draw_faithfulness.py"


rule build_report:
    input:
        **{
            name: f"results/{{model}}/{{sequences}}/{table}.parquet"
            for name, table in EXPLANATIONS.items()
        },
        spectrum="results/{model}/spectrum/spectrum.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        holdout="results/{model}/spectrum/holdout.tsv",
        curve=get_learning_curve,
        plan=get_plan,
        sequences="results/{model}/{sequences}/sequences.parquet",
        dropped="results/{model}/{sequences}/dropped.tsv",
        faithfulness_on_queries="results/{model}/{sequences}/faithfulness.json",
        contributions="results/{model}/{sequences}/motifs/contributions.tsv",
        clusters="results/{model}/{sequences}/motifs/clusters.tsv",
        cluster_members="results/{model}/{sequences}/motifs/cluster_members.tsv",
        motifs="results/{model}/{sequences}/motifs/motifs.tsv",
        motif_matrices="results/{model}/{sequences}/motifs/motif_matrices.tsv",
        placements="results/{model}/{sequences}/motifs/placements.tsv",
        instances="results/{model}/{sequences}/motifs/instances.tsv",
        bed="results/{model}/{sequences}/motifs/instances.bed",
        position_interactions="results/{model}/{sequences}/motifs/position_interactions.tsv",
        supports="results/{model}/{sequences}/motifs/supports.tsv",
        support_tables="results/{model}/{sequences}/motifs/support_tables.tsv",
        meme="results/{model}/{sequences}/motifs/motifs.meme",
        tomtom=get_tomtom,
        comparison=get_methods,
        outside=get_outside_files,
        results=get_recorded_results,
        template=workflow.source_path("../report/page.html.j2"),
        style=workflow.source_path("../report/page.css"),
        scripts=[workflow.source_path(f"../report/{name}") for name in PAGE_SCRIPTS],
        methods=workflow.source_path("../report/methods.txt.j2"),
        bibliography=workflow.source_path("../report/bibliography.toml"),
    output:
        report=report(
            "results/{model}/{sequences}/report.html",
            caption="../report/report.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"table": "the whole report"},
        ),
        summary="results/{model}/{sequences}/summary.txt",
        provenance=report(
            "results/{model}/{sequences}/provenance.json",
            caption="../report/provenance.rst",
            category="{model}",
            subcategory="{sequences}",
            labels={"table": "provenance: config, hashes, versions"},
        ),
    log:
        "logs/{model}/{sequences}/build_report.log",
    benchmark:
        "benchmarks/{model}/{sequences}/build_report.tsv"
    wildcard_constraints:
        model=any_of(MODELS if not MASKED else []),
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
        source=lambda wildcards: get_source(wildcards.model)["kind"],
        outputs=lambda wildcards: get_output_words(wildcards.model),
        background=lambda wildcards: canonical(MODELS[wildcards.model]["background"]),
        listing=get_listing(),
        motifs=config["motifs"],
        version=VERSIONS["report"],
    script:
        "../scripts/build_report.py"


# Outputs on the same sequences: how their contributions differ.
rule compare_conditions:
    input:
        spectrum=get_every_member("{model}/spectrum/spectrum.npz"),
        sequences=get_every_member("{model}/{sequences}/sequences.parquet"),
        values=get_every_member("{model}/{sequences}/shapley_values.parquet"),
    output:
        table="results/contribution_differences.tsv",
    log:
        "logs/compare_conditions.log",
    benchmark:
        "benchmarks/compare_conditions.tsv"
    conda:
        "../../envs/motifs.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        conditions={
            name: [
                [member, split_member(member)[1]] for member in condition["outputs"]
            ]
            for name, condition in CONDITIONS.items()
        },
        version=VERSIONS["motifs"],
    script:
        "../scripts/compare_conditions.py"


# Models, sets of sequences and groups side by side.
rule compare_analyses:
    input:
        differences=get_differences(),
        spectrum=get_every("{model}/spectrum/spectrum.npz"),
        faithfulness=get_every("{model}/spectrum/faithfulness.json"),
        faithfulness_on_queries=get_every("{model}/{sequences}/faithfulness.json"),
        aggregates=get_every("{model}/{sequences}/aggregates.parquet"),
        contributions=get_every("{model}/{sequences}/motifs/contributions.tsv"),
        motifs=get_every("{model}/{sequences}/motifs/motifs.tsv"),
        template=workflow.source_path("../report/comparison.html.j2"),
        style=workflow.source_path("../report/page.css"),
        scripts=[
            workflow.source_path(f"../report/{name}") for name in COMPARISON_SCRIPTS
        ],
    output:
        page=report(
            "results/comparison.html",
            caption="../report/comparison.rst",
            category="comparison",
            labels={"table": "all analyses side by side"},
        ),
    log:
        "logs/compare_analyses.log",
    benchmark:
        "benchmarks/compare_analyses.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        analyses=ANALYSES,
        variants=[[settings["model"], name] for name, settings in VARIANTS.items()],
        conditions=CONDITIONS,
        colors=config["motifs"]["colors"],
        version=VERSIONS["report"],
    script:
        "../scripts/compare_analyses.py"
