# Puts figures and numbers on one page.
rule build_report:
    input:
        spectrum="results/{model}/spectrum/spectrum.npz",
        faithfulness="results/{model}/spectrum/faithfulness.json",
        faithfulness_on_queries="results/{model}/{queries}/faithfulness.json",
        sequences="results/{model}/{queries}/sequences.parquet",
        values="results/{model}/{queries}/shapley_values.parquet",
        plan=get_plan,
        inputs=get_outside_files,
        results=get_recorded_results,
        motifs="results/{model}/{queries}/motifs/motifs.tsv",
        logos="results/{model}/{queries}/motifs/logos",
        template=workflow.source_path("../report/report.html.j2"),
    output:
        report=report(
            "results/{model}/{queries}/report.html",
            caption="../report/report.rst",
            category="{model}",
            subcategory="{queries}",
            labels={"table": "the whole report"},
        ),
        summary="results/{model}/{queries}/summary.txt",
        provenance=report(
            "results/{model}/{queries}/provenance.json",
            caption="../report/provenance.rst",
            category="{model}",
            subcategory="{queries}",
            labels={"table": "provenance: config, hashes, versions"},
        ),
    log:
        "logs/{model}/{queries}/build_report.log",
    benchmark:
        "benchmarks/{model}/{queries}/build_report.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_megabytes(1000),
        runtime=10,
    params:
        config=lambda wildcards: get_analysis_config(wildcards.model, wildcards.queries),
        inputs=get_outside_files,
    script:
        "../scripts/build_report.py"
