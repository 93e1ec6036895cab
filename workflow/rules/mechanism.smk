# Looks inside networks: what modules give, dictionaries of latents, what these are and what they do.
MECHANISM_SCRIPTS = ["draw.js", "logo.js", "measures.js", "circuits.js", "mechanism.js"]


rule list_modules:
    input:
        models=[file for model in NETWORKS for file in named_files(get_source(model))],
    output:
        table="results/modules.tsv",
        sizes="results/modules.json",
    log:
        "logs/list_modules.log",
    benchmark:
        "benchmarks/list_modules.tsv"
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        models={
            model: [
                {
                    key: MODELS[model][key]
                    for key in ("alphabet", "template", "outputs")
                },
                get_source(model),
            ]
            for model in NETWORKS
        },
        mechanisms={
            name: [get_activation_settings(name), ends_of(MECHANISMS[name])]
            for name in MECHANISMS
        },
        version=VERSIONS["mechanism"],
    script:
        "../scripts/list_modules.py"


rule collect_activations:
    input:
        model=get_mechanism_files,
        sequences=get_mechanism_sequences,
        background=get_mechanism_background,
    output:
        # Not removed before the job: what a crash has left whole is not run again.
        shard=update(
            "results/mechanism/{mechanism}/activations/{scatteritem}.safetensors"
        ),
        manifest=update("results/mechanism/{mechanism}/activations/{scatteritem}.json"),
    log:
        "logs/mechanism/{mechanism}/collect_activations/{scatteritem}.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/collect_activations/{scatteritem}.tsv"
    retries: RETRIES
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(4000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=lambda wildcards: get_gpus_of(MECHANISMS[wildcards.mechanism]["model"]),
    params:
        model=get_mechanism_model,
        source=lambda wildcards: get_source(MECHANISMS[wildcards.mechanism]["model"]),
        mechanism=lambda wildcards: get_activation_settings(wildcards.mechanism),
        ends=lambda wildcards: ends_of(MECHANISMS[wildcards.mechanism]),
        version=VERSIONS["mechanism"],
    script:
        "../scripts/collect_activations.py"


rule train_dictionary:
    input:
        shards=get_activations("safetensors"),
        manifests=get_activations("json"),
    output:
        dictionary="results/mechanism/{mechanism}/dictionaries/{kind}/{seed}.safetensors",
        exported=directory("results/mechanism/{mechanism}/dictionaries/{kind}/{seed}"),
    log:
        "logs/mechanism/{mechanism}/train_dictionary/{kind}/{seed}.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/train_dictionary/{kind}/{seed}.tsv"
    retries: RETRIES
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(8000),
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=lambda wildcards: gpus_on(
            MECHANISMS[wildcards.mechanism]["dictionary"]["device"]
        ),
    params:
        dictionary=get_dictionary_settings,
        seed=lambda wildcards: MECHANISMS[wildcards.mechanism]["seed"],
        drawn=lambda wildcards: is_drawn(wildcards.mechanism),
        version=VERSIONS["mechanism"],
    script:
        "../scripts/train_dictionary.py"


rule score_dictionaries:
    input:
        shards=get_activations("safetensors"),
        manifests=get_activations("json"),
        dictionaries=get_dictionaries,
        model=get_mechanism_files,
    output:
        scores="results/mechanism/{mechanism}/dictionary.json",
    log:
        "logs/mechanism/{mechanism}/score_dictionaries.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/score_dictionaries.tsv"
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(8000),
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=lambda wildcards: get_gpus_of(MECHANISMS[wildcards.mechanism]["model"]),
    params:
        model=get_mechanism_model,
        mechanism_model=lambda wildcards: MECHANISMS[wildcards.mechanism]["model"],
        source=lambda wildcards: get_source(MECHANISMS[wildcards.mechanism]["model"]),
        dictionary=get_dictionary_settings,
        seed=lambda wildcards: MECHANISMS[wildcards.mechanism]["seed"],
        drawn=lambda wildcards: is_drawn(wildcards.mechanism),
        version=VERSIONS["mechanism"],
    script:
        "../scripts/score_dictionaries.py"


rule read_latents:
    input:
        shards=get_activations("safetensors"),
        manifests=get_activations("json"),
        dictionary=get_first_dictionary,
        sequences=get_mechanism_sequences,
        labels=lambda wildcards: list(
            label_files(MECHANISMS[wildcards.mechanism]).values()
        ),
        model=get_mechanism_files,
    output:
        latents="results/mechanism/{mechanism}/latents.parquet",
        sequences="results/mechanism/{mechanism}/latent_sequences.parquet",
        meme="results/mechanism/{mechanism}/latents.meme",
        matrices="results/mechanism/{mechanism}/latent_matrices.tsv",
        concepts="results/mechanism/{mechanism}/concepts.tsv",
    log:
        "logs/mechanism/{mechanism}/read_latents.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/read_latents.tsv"
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(8000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=lambda wildcards: get_gpus_of(MECHANISMS[wildcards.mechanism]["model"]),
    params:
        model=get_mechanism_model,
        source=lambda wildcards: get_source(MECHANISMS[wildcards.mechanism]["model"]),
        dictionary=get_dictionary_settings,
        latents=lambda wildcards: MECHANISMS[wildcards.mechanism]["latents"],
        concepts=lambda wildcards: MECHANISMS[wildcards.mechanism]["concepts"],
        seed=lambda wildcards: MECHANISMS[wildcards.mechanism]["seed"],
        drawn=lambda wildcards: is_drawn(wildcards.mechanism),
        version=VERSIONS["mechanism"],
    script:
        "../scripts/read_latents.py"


rule compare_latents:
    input:
        motif_matrices="results/mechanism/{mechanism}/latent_matrices.tsv",
        database=config["motifs"].get("database", []),
    output:
        table="results/mechanism/{mechanism}/latents_tomtom.tsv",
    log:
        "logs/mechanism/{mechanism}/compare_latents.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/compare_latents.tsv"
    conda:
        "../../envs/tomtom.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=30,
    params:
        alphabet=lambda wildcards: MODELS[MECHANISMS[wildcards.mechanism]["model"]][
            "alphabet"
        ],
        both_strands=config["motifs"]["reverse_complement"],
        version=VERSIONS["mechanism"],
    script:
        "../scripts/compare_motifs.py"


rule steer_model:
    input:
        shards=get_activations("safetensors"),
        manifests=get_activations("json"),
        dictionary=get_first_dictionary,
        latents="results/mechanism/{mechanism}/latents.parquet",
        model=get_mechanism_files,
    output:
        steering="results/mechanism/{mechanism}/steering.tsv",
        doses="results/mechanism/{mechanism}/doses.tsv",
    log:
        "logs/mechanism/{mechanism}/steer_model.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/steer_model.tsv"
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(8000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=lambda wildcards: get_gpus_of(MECHANISMS[wildcards.mechanism]["model"]),
    params:
        model=get_mechanism_model,
        source=lambda wildcards: get_source(MECHANISMS[wildcards.mechanism]["model"]),
        dictionary=get_dictionary_settings,
        steer=lambda wildcards: MECHANISMS[wildcards.mechanism]["steer"],
        seed=lambda wildcards: MECHANISMS[wildcards.mechanism]["seed"],
        drawn=lambda wildcards: is_drawn(wildcards.mechanism),
        version=VERSIONS["mechanism"],
    script:
        "../scripts/steer_model.py"


rule trace_circuits:
    input:
        shards=get_activations("safetensors"),
        manifests=get_activations("json"),
        dictionary=get_first_dictionary,
        model=get_mechanism_files,
    output:
        circuits="results/mechanism/{mechanism}/circuits.json",
        graphs=directory("results/mechanism/{mechanism}/circuits"),
    log:
        "logs/mechanism/{mechanism}/trace_circuits.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/trace_circuits.tsv"
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(8000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=lambda wildcards: get_gpus_of(MECHANISMS[wildcards.mechanism]["model"]),
    params:
        model=get_mechanism_model,
        source=lambda wildcards: get_source(MECHANISMS[wildcards.mechanism]["model"]),
        dictionary=get_dictionary_settings,
        circuit=lambda wildcards: MECHANISMS[wildcards.mechanism]["circuit"],
        seed=lambda wildcards: MECHANISMS[wildcards.mechanism]["seed"],
        drawn=lambda wildcards: is_drawn(wildcards.mechanism),
        version=VERSIONS["mechanism"],
    script:
        "../scripts/trace_circuits.py"


rule fit_probes:
    input:
        shards=get_activations("safetensors"),
        manifests=get_activations("json"),
        dictionary=get_first_dictionary,
        tables=lambda wildcards: [
            own["path"] for own in MECHANISMS[wildcards.mechanism]["probe"].values()
        ],
        model=get_mechanism_files,
    output:
        probes="results/mechanism/{mechanism}/probes.tsv",
        latents="results/mechanism/{mechanism}/probe_latents.tsv",
    log:
        "logs/mechanism/{mechanism}/fit_probes.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/fit_probes.tsv"
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(8000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=lambda wildcards: get_gpus_of(MECHANISMS[wildcards.mechanism]["model"]),
    params:
        model=get_mechanism_model,
        source=lambda wildcards: get_source(MECHANISMS[wildcards.mechanism]["model"]),
        dictionary=get_dictionary_settings,
        probe=lambda wildcards: MECHANISMS[wildcards.mechanism]["probe"],
        seed=lambda wildcards: MECHANISMS[wildcards.mechanism]["seed"],
        drawn=lambda wildcards: is_drawn(wildcards.mechanism),
        version=VERSIONS["mechanism"],
    script:
        "../scripts/fit_probes.py"


rule design_mutations:
    input:
        dictionary=get_first_dictionary,
        table=lambda wildcards: MECHANISMS[wildcards.mechanism]["design"]["path"],
        model=get_mechanism_files,
        scorer=lambda wildcards: named_files(get_source(get_scorer(wildcards))),
    output:
        designs="results/mechanism/{mechanism}/designs.tsv",
        proposals="results/mechanism/{mechanism}/proposals.tsv",
    log:
        "logs/mechanism/{mechanism}/design_mutations.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/design_mutations.tsv"
    conda:
        f"../../envs/mechanism{VARIANT}.yaml"
    resources:
        mem_mb=get_megabytes(8000),
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=lambda wildcards: get_gpus_of(MECHANISMS[wildcards.mechanism]["model"]),
    params:
        model=get_mechanism_model,
        source=lambda wildcards: get_source(MECHANISMS[wildcards.mechanism]["model"]),
        design=lambda wildcards: MECHANISMS[wildcards.mechanism]["design"],
        scorer=lambda wildcards: get_source(get_scorer(wildcards)),
        scorer_outputs=lambda wildcards: get_outputs(get_scorer(wildcards)),
        seed=lambda wildcards: MECHANISMS[wildcards.mechanism]["seed"],
        version=VERSIONS["mechanism"],
    script:
        "../scripts/design_mutations.py"


rule report_mechanism:
    input:
        latents="results/mechanism/{mechanism}/latents.parquet",
        sequences="results/mechanism/{mechanism}/latent_sequences.parquet",
        matrices="results/mechanism/{mechanism}/latent_matrices.tsv",
        dictionary="results/mechanism/{mechanism}/dictionary.json",
        concepts="results/mechanism/{mechanism}/concepts.tsv",
        steering=get_optional("steer", "steering.tsv"),
        doses=get_optional("steer", "doses.tsv"),
        probes=get_optional("probe", "probes.tsv"),
        probe_latents=get_optional("probe", "probe_latents.tsv"),
        designs=get_optional("design", "designs.tsv"),
        proposals=get_optional("design", "proposals.tsv"),
        circuits=get_optional("circuit", "circuits.json"),
        graphs=get_optional("circuit", "circuits"),
        template=workflow.source_path("../report/mechanism.html.j2"),
        style=workflow.source_path("../report/page.css"),
        scripts=[
            workflow.source_path(f"../report/{name}") for name in MECHANISM_SCRIPTS
        ],
    output:
        report=report(
            "results/mechanism/{mechanism}/report.html",
            caption="../report/mechanism.rst",
            category="{mechanism}",
            labels={"table": "latents, circuits, steering"},
        ),
    log:
        "logs/mechanism/{mechanism}/report_mechanism.log",
    benchmark:
        "benchmarks/mechanism/{mechanism}/report_mechanism.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_megabytes(2000),
        runtime=20,
    params:
        sketches=get_sketches,
        alphabet=lambda wildcards: MODELS[MECHANISMS[wildcards.mechanism]["model"]][
            "alphabet"
        ],
        version=VERSIONS["mechanism"],
    script:
        "../scripts/report_mechanism.py"
