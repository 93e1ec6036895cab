# Brings the files of models that are named by their addresses, and converts those that need it.
rule download_model:
    output:
        file="resources/models/{model}/{file}",
    log:
        "logs/{model}/download_model/{file}.log",
    benchmark:
        "benchmarks/{model}/download_model/{file}.tsv"
    wildcard_constraints:
        model=any_of(model for model, _ in DOWNLOADS),
        file=any_of(file for _, file in DOWNLOADS),
    conda:
        "../../envs/model.yaml"
    resources:
        mem_mb=get_megabytes(500),
        runtime=120,
    params:
        sha256=lambda wildcards: DOWNLOADS[wildcards.model, wildcards.file].sha256,
    script:
        "../scripts/download_model.py"


rule convert_model:
    input:
        get_downloads,
    output:
        file="resources/models/{model}/{file}",
    log:
        "logs/{model}/convert_model/{file}.log",
    benchmark:
        "benchmarks/{model}/convert_model/{file}.tsv"
    wildcard_constraints:
        model=any_of(CONVERSIONS),
        file=any_of(conversion["file"] for conversion in CONVERSIONS.values()),
    conda:
        "../../envs/convert.yaml"
    resources:
        mem_mb=get_megabytes(1000),
        runtime=20,
    params:
        recipe=lambda wildcards: CONVERSIONS[wildcards.model]["recipe"],
        version=VERSIONS["convert"],
    script:
        "../scripts/convert_model.py"
