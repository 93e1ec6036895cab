"""Explain the sequences of one shard from the answers about them: Shapley values, interactions, scores.

Creates `results/{model}/{sequences}/masks/{scatteritem}.shapley_values.parquet`, `.letter_contributions.parquet`,
`.shapley_errors.parquet`, `.interactions.parquet`, `.mask_scores.parquet`, where models have folds
`.shapley_folds.parquet` and, where they are wanted, hypothetical contributions (`.hypothetical.npz`) from the
sequences, the answers and the students, and `.json`, their manifest. A complete shard that was made from the same stays
as it is.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import sys
    from contextlib import ExitStack
    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.explanation.folds import folds_schema
    from shapsketch.masks.explain import MaskExplainer
    from shapsketch.masks.files import load_answers, save_hypothetical
    from shapsketch.masks.saved import save_fits
    from shapsketch.masks.student import Students
    from shapsketch.masks.tables import MASK_INTERACTION_SCHEMA, SCORE_SCHEMA, Pieces
    from shapsketch.sampling.sketch import shard_range
    from shapsketch.spectrum.interaction_tables import Listing
    from shapsketch.spectrum.tables import errors_schema, values_schema
    from shapsketch.storage.files import sha256_file, sha256_json
    from shapsketch.storage.manifest import check_manifests, is_complete, write_manifest
    from shapsketch.storage.parquet import parquet_writer
    from shapsketch.storage.provenance import made_with, stamp

    params, files = snakemake.params, snakemake.input
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = shard_range(pq.read_metadata(files.sequences).num_rows, 1, shard, shards)
    check_manifests([files.asked])
    origin = {
        "files": [sha256_file(path) for path in (files.sequences, files.answers, files.students)],
        "settings": [params.model, params.masks, params.listing, params.letters, params.version],
    }
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    manifest, made_from = outputs.pop("manifest"), sha256_json({**origin, "rows": [start, stop]})
    if is_complete(manifest, made_from, outputs.values()):
        tell(f"{manifest.stem} is explained, whole and from the same: it stays")
        for path in (*outputs.values(), manifest):
            path.touch()
        sys.exit()

    explainer = MaskExplainer.from_config(
        params.model, params.masks, files.get("background"), str, Listing(**params.listing), params.letters
    )
    asked, students = load_answers(files.answers), Students.load(files.students)
    rows = pq.read_table(files.sequences, columns=["sequence_id", "sequence"]).slice(start, stop - start).to_pylist()
    n = explainer.background.template.n
    has_folds = explainer.folds > 0
    schemas = {"values": values_schema(n, has_folds), "letters": values_schema(n, has_folds)}
    schemas |= {"errors": errors_schema(n), "interactions": MASK_INTERACTION_SCHEMA, "scores": SCORE_SCHEMA}
    pieces, hypothetical, fits = Pieces(schemas | ({"folds": folds_schema(n)} if has_folds else {})), [], []
    schemas |= {"folds": folds_schema(n)} if "folds" in outputs else {}  # of another model of the config, maybe
    with script.progress(f"explain {snakemake.wildcards.sequences}", "sequence", stop - start) as progress:
        for row, answers, prediction in zip(rows, asked["answers"], asked["predictions"], strict=True):
            tables = explainer.explain(row["sequence_id"], row["sequence"], answers, prediction, students)
            pieces.add(tables)
            fits.append([of_output["fit"] for of_output in tables])
            if "hypothetical" in outputs:
                hypothetical.append([{"hypothetical": of_output["hypothetical"]} for of_output in tables])
            progress.update()
    note = getattr(explainer.background, "note", "")
    metadata = stamp({**asked["about"], "versions": made_with()} | ({"background": note} if note else {}))
    save_fits(outputs["fits"], fits, {"model": params.model, "masks": params.masks})
    if "hypothetical" in outputs:
        save_hypothetical(outputs["hypothetical"], hypothetical, params.model["outputs"])
    with ExitStack() as stack:
        for name, schema in schemas.items():
            writer = stack.enter_context(parquet_writer(outputs[name], schema.with_metadata(metadata)))
            for k in range(len(params.model["outputs"])):
                for table in pieces.of(k, name):
                    writer.write(table)
                writer.flush()  # a row group of a shard belongs to one output
    write_manifest(manifest, made_from, outputs.values())
