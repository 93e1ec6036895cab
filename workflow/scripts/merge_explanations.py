"""Put the shards of an explanation together, and score the spectrum on these sequences.

Creates `results/{model}/{sequences}/shapley_values.parquet` (and `shapley_values.tsv.gz` below 100,000
rows), `interactions.parquet`, `aggregates.parquet`, `faithfulness.json` and, where values were refined,
`shapley_errors.parquet`, where the model has folds, `shapley_folds.parquet`, from the shards.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.fidelity.on_sequences import median_spread, report_on_queries
    from shapsketch.sequences.windows import with_places
    from shapsketch.spectrum.tables import finish_aggregates
    from shapsketch.storage.files import read_json, write_json
    from shapsketch.storage.manifest import check_manifests
    from shapsketch.storage.parquet import merge_tables, write_parquet, write_tsv

    files, outputs = snakemake.output, snakemake.params.outputs
    check_manifests(snakemake.input.manifests)
    placed = {"extended": with_places} if snakemake.params.placed else {}
    for name in ("values", "interactions", "errors", "folds"):
        if files.get(name):
            rows = merge_tables(files[name], snakemake.input[name], outputs, **placed)
            if name == "values":
                write_tsv(Path(files.values).with_suffix(".tsv.gz"), files.values, rows)
    write_parquet(files.aggregates, finish_aggregates([pq.read_table(path) for path in snakemake.input.aggregates]))
    scores = report_on_queries(files.values, files.get("errors"), snakemake.input.sequences, outputs)
    fold_scores = snakemake.input.get("fold_scores")
    for output, fold_score in (read_json(fold_scores) if fold_scores else {}).items():
        scores[output] |= {**fold_score, "prediction_sd": median_spread(files.values, output)}
    write_json(files.faithfulness, scores)
