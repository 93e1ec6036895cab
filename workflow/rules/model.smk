# Brings the file of a model that is named by its address.
rule download_model:
    output:
        file="resources/models/{model}/{file}",
    log:
        "logs/{model}/download_model/{file}.log",
    benchmark:
        "benchmarks/{model}/download_model/{file}.tsv"
    wildcard_constraints:
        model="|".join(m for m in MODELS if "url" in MODELS[m]["source"])
        or "no model has an address",
        file=r"[^/]+",
    retries: 2
    conda:
        "../../envs/model.yaml"
    resources:
        mem_mb=get_megabytes(500),
        runtime=120,
    params:
        url=lambda wildcards: MODELS[wildcards.model]["source"]["url"],
        sha256=lambda wildcards: MODELS[wildcards.model]["source"]["sha256"],
    script:
        "../scripts/download_model.py"
