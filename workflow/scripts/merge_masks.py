"""Put the shards of a masked explanation together, and sum up how faithful they are.

Creates `results/{model}/{sequences}/shapley_values.parquet` (and `shapley_values.tsv.gz` below 100,000 rows),
`letter_contributions.parquet`,
`shapley_errors.parquet`, `interactions.parquet`, `mask_scores.parquet`, where models have folds
`shapley_folds.parquet`, and `faithfulness.json` from the shards.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    from shapsketch.fidelity.on_sequences import median_spread
    from shapsketch.masks.summary import report_on_masks
    from shapsketch.sequences.windows import with_places
    from shapsketch.storage.files import read_json, write_json
    from shapsketch.storage.manifest import check_manifests
    from shapsketch.storage.parquet import merge_tables, write_tsv

    files, outputs = snakemake.output, snakemake.params.outputs
    check_manifests(snakemake.input.manifests)
    placed = {"extended": with_places} if snakemake.params.placed else {}
    for name in ("values", "letters", "errors", "interactions", "scores", "folds"):
        if files.get(name):
            rows = merge_tables(files[name], snakemake.input[name], outputs, **placed)
            if name == "values":
                write_tsv(Path(files.values).with_suffix(".tsv.gz"), files.values, rows)
    check = snakemake.input.get("check")
    checked = {"checked": read_json(check)["evaluations"]} if check else {}
    scores = report_on_masks(files.values, files.scores)
    if folds := snakemake.params.folds:
        for output, score in scores.items():
            score |= {"folds": folds, "prediction_sd": median_spread(files.values, output)}
    write_json(files.faithfulness, {output: score | checked for output, score in scores.items()})
