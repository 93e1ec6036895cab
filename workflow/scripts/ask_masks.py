"""Ask the model about the sequences of one shard, each under all masks of the plan.

Creates `results/{model}/{sequences}/masks/{scatteritem}.answers.npz` from the sequences and the model, and
`.answers.json`, its manifest. A complete shard that was made from the same stays as it is.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import sys
    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.masks.explain import MaskExplainer
    from shapsketch.masks.files import save_answers
    from shapsketch.models import Model, identity
    from shapsketch.sampling.sketch import shard_range
    from shapsketch.settings.sources import locate
    from shapsketch.storage.files import sha256_file, sha256_json
    from shapsketch.storage.manifest import is_complete, write_manifest

    params, files = snakemake.params, snakemake.input
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = shard_range(pq.read_metadata(files.sequences).num_rows, 1, shard, shards)
    source = locate(params.source, files.get("model"))
    background_files = [files.background] if files.get("background") else []
    made_of = identity(params.source, source)
    made_from = sha256_json(
        {
            "files": [sha256_file(path) for path in (files.sequences, *background_files)],
            "model": made_of,
            "settings": [params.model, params.masks, params.version],
            "rows": [start, stop],
        }
    )
    answers, manifest = Path(snakemake.output.answers), Path(snakemake.output.manifest)
    if is_complete(manifest, made_from, [answers]):
        tell(f"{manifest.stem} are there, whole and from the same: they stay")
        answers.touch()
        manifest.touch()
        sys.exit()

    explainer = MaskExplainer.from_config(
        params.model, params.masks, files.get("background"), tell if shard == 1 else str
    )
    config = params.model
    model = Model(source, explainer.background.template, config["outputs"], config["sketch"]["batch_size"])
    chosen = pq.read_table(files.sequences, columns=["sequence_id", "sequence"]).slice(start, stop - start).to_pylist()
    asked = []
    with script.progress(f"ask about {snakemake.wildcards.sequences}", "sequence", stop - start) as progress:
        for row in chosen:
            asked.append(explainer.ask(model, row["sequence_id"], row["sequence"]))
            progress.update()
    evaluations = len(chosen) * (explainer.plan.evaluations + 1)
    assert model.evaluations == evaluations, "the model was asked more than the plan holds"
    save_answers(answers, asked, explainer.plan, made_of, explainer.columns)
    write_manifest(manifest, made_from, [answers])
