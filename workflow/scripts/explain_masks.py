"""Explain one shard of the sequences by masking each of them: Shapley values, interactions, scores.

Creates `results/{model}/{sequences}/masks/{scatteritem}.shapley_values.parquet`, `.shapley_errors.parquet`,
`.interactions.parquet` and `.mask_scores.parquet` from the sequences and the model, and `.json`, their manifest. A
complete shard that was made from the same stays as it is.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import sys
    from contextlib import ExitStack
    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.masks.explain import SCORE_SCHEMA, MaskExplainer, MaskSettings
    from shapsketch.models import Model, identity
    from shapsketch.sampling.sketch import shard_range
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.reader import configured_background
    from shapsketch.sequences.template import Template
    from shapsketch.settings.sources import locate
    from shapsketch.spectrum.interaction_tables import INTERACTION_SCHEMA, Listing
    from shapsketch.spectrum.tables import errors_schema, values_schema
    from shapsketch.storage.files import sha256_file, sha256_json
    from shapsketch.storage.manifest import is_complete, write_manifest
    from shapsketch.storage.parquet import parquet_writer
    from shapsketch.storage.provenance import made_with, stamp

    params, files = snakemake.params, snakemake.input
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = shard_range(pq.read_metadata(files.sequences).num_rows, 1, shard, shards)
    source = locate(params.source, files.get("model"))
    background_files = [files.background] if files.get("background") else []
    origin = {
        "files": [sha256_file(path) for path in (files.sequences, *background_files)],
        "model": identity(params.source, source),
        "settings": [params.model, params.masks, params.listing, params.version],
    }
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    manifest, made_from = outputs.pop("manifest"), sha256_json({**origin, "rows": [start, stop]})
    if is_complete(manifest, made_from):
        tell(f"{manifest.stem} is explained, whole and from the same: it stays")
        for path in (*outputs.values(), manifest):
            path.touch()
        sys.exit()

    config = params.model
    template = Template(Alphabet.from_config(config["alphabet"]), config["template"])
    explainer = MaskExplainer(
        Model(source, template, config["outputs"], config["sketch"]["batch_size"]),
        configured_background(template, config["background"], files.get("background"), tell if shard == 1 else str),
        MaskSettings.from_config(params.masks, config["sketch"]["seed"]),
        Listing(**params.listing),
    )
    chosen = pq.read_table(files.sequences, columns=["sequence_id", "sequence"]).slice(start, stop - start).to_pylist()
    explained = []
    with script.progress(f"explain {snakemake.wildcards.sequences}", "sequence", stop - start) as progress:
        for row in chosen:
            explained.append(explainer(row["sequence_id"], row["sequence"]))
            progress.update()
    asked = explainer.model.evaluations
    assert asked == len(chosen) * (explainer.plan.evaluations + 1), "the model was asked more than the plan holds"
    metadata = stamp({"model": origin["model"], "plan": explainer.plan.plan.hash, "versions": made_with()})
    schemas = {"values": values_schema(template.n), "errors": errors_schema(template.n)}
    schemas |= {"interactions": INTERACTION_SCHEMA, "scores": SCORE_SCHEMA}
    with ExitStack() as stack:
        for name, schema in schemas.items():
            writer = stack.enter_context(parquet_writer(outputs[name], schema.with_metadata(metadata)))
            for k in range(len(config["outputs"])):
                for tables in explained:
                    writer.write(tables[k][name])
                writer.flush()  # a row group of a shard belongs to one output
    write_manifest(manifest, made_from, outputs.values())
