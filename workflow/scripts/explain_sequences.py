"""Explain one shard of the sequences: Shapley values, the strongest interactions of each, and sums over all.

Creates `results/{model}/{sequences}/shards/{scatteritem}.shapley_values.parquet`, `.interactions.parquet`,
`.aggregates.parquet` and, where values are refined, `.shapley_errors.parquet` from the spectrum, the sequences
and (for the column `prediction`, and to refine) the model, where it has folds `.shapley_folds.parquet` from the
spectra of these, and `.json`, their manifest. Holds one chunk of the sequences at a time. A complete shard that was
made from the same stays as it is.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import sys
    from contextlib import ExitStack
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from shapsketch.explanation.folds import by_output, fold_table, folds_schema
    from shapsketch.explanation.refine import Effort, Refiner, Residual
    from shapsketch.explanation.tables import error_table, predict_by_fold, refine_plain
    from shapsketch.models import Model, identity
    from shapsketch.sampling.sketch import shard_range
    from shapsketch.settings.sources import locate
    from shapsketch.spectrum import tables
    from shapsketch.spectrum.interaction_tables import INTERACTION_SCHEMA, Listing
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import read_json, sha256_file, sha256_json
    from shapsketch.storage.manifest import is_complete, write_manifest
    from shapsketch.storage.parquet import group_names, parquet_writer, read_rows, write_parquet
    from shapsketch.storage.provenance import made_with, stamp

    params, files = snakemake.params, snakemake.input
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = shard_range(pq.read_metadata(files.sequences).num_rows, params.batch_size, shard, shards)
    scores, source = read_json(files.faithfulness), locate(params.source, files.get("model"))
    origin = {
        "rows": [start, stop],
        "files": [sha256_file(path) for path in (files.spectrum, files.students, files.sequences)],
        "folds": sha256_file(files.folds) if files.get("folds") else None,
        "scores": {
            output: [score["range"], score["residual"], score["found"], (score.get("table") or {}).get("unseen")]
            for output, score in scores.items()
        },
        "model": identity(params.source, source) if params.predict else None,
        "settings": [params.batch_size, params.seed, params.refine, params.listing, params.version],
    }
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    manifest, made_from = outputs.pop("manifest"), sha256_json(origin)
    if is_complete(manifest, made_from, outputs.values()):
        tell(f"{manifest.stem} is explained, whole and from the same: it stays")
        for path in (*outputs.values(), manifest):
            path.touch()
        sys.exit()

    spectra = load_spectra(files.spectrum)
    template = next(iter(spectra.values())).template
    folds = by_output(load_spectra(files.folds)) if files.get("folds") else {}
    groups = group_names(files.sequences)
    explainers = [
        tables.Explainer(spectrum, Listing(**params.listing), scores[output], groups, refines=bool(params.refine))
        for output, spectrum in spectra.items()
    ]
    model = Model(source, template, list(spectra), params.batch_size) if params.predict and stop > start else None
    refiner = None
    if params.refine and model:
        from shapsketch.recovery.student import load_students

        students = load_students(files.students)
        refiner = Refiner(
            model,
            list(spectra.values()),
            [Residual.from_score(scores[output]) for output in spectra],
            [students[output].predict if output in students else None for output in spectra],
            Effort.from_config(params.refine),
            params.seed,
        )
    provenance = next(iter(spectra.values())).provenance
    metadata = stamp({"plan": provenance["plan"], "spectrum": origin["files"][0], "versions": made_with()})
    schemas = {
        "values": tables.values_schema(template.n, folds=bool(folds)),
        "folds": folds_schema(template.n),
        "interactions": INTERACTION_SCHEMA,
        "errors": tables.errors_schema(template.n),
    }
    size = max(1, tables.SEQUENCES_AT_ONCE // params.batch_size) * params.batch_size  # the model's batches stay whole
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(parquet_writer(outputs[name], schema.with_metadata(metadata)))
            for name, schema in schemas.items()
            if name in outputs
        }
        progress = stack.enter_context(
            script.progress(f"explain {snakemake.wildcards.sequences}", "sequence", stop - start)
        )
        for chunk in read_rows(files.sequences, start, stop, size):
            text = chunk["sequence"].to_pylist()
            answers = np.full((1, len(text), len(spectra)), np.nan)
            if model:
                answers = predict_by_fold(model, text)
            predictions = answers.mean(0)
            spread = answers.std(0, ddof=1) if len(answers) > 1 else np.full_like(predictions, np.nan)
            refined = refine_plain(refiner, text, predictions) if refiner else None
            for k, explainer in enumerate(explainers):
                refined_values = refined.values[k] if refined else None
                output = explainer.spectrum.output
                values = explainer.values(chunk, predictions[:, k], refined_values, spread[:, k] if folds else None)
                writers["values"].write(values)
                if folds:
                    errors = refined.errors[k] if refined else 0.0
                    writers["folds"].write(fold_table(output, folds[output], chunk, values, errors))
                for table in explainer.interactions(chunk):
                    writers["interactions"].write(table)
                if refined:
                    writers["errors"].write(error_table(explainer.spectrum, k, chunk, refined))
                for writer in writers.values():
                    writer.flush()  # a row group of a shard belongs to one output
            progress.update(len(text))
    aggregates = pa.concat_tables(explainer.aggregates() for explainer in explainers)
    write_parquet(outputs["aggregates"], aggregates.replace_schema_metadata(metadata))
    write_manifest(manifest, made_from, outputs.values())
