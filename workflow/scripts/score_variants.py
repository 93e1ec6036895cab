"""Score the effects of variants against their labels and measured values, beside simple baselines.

Creates `scores.tsv`, `confusion.tsv` and `by_position.tsv` in `results/{model}/{variants}/` from the effects.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pandas as pd
    import pyarrow.parquet as pq

    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text
    from shapsketch.variants.scoring import Truth, baselines, confusion_table, position_table, score_table

    params, files = snakemake.params, snakemake.output
    table = pq.read_table(snakemake.input.effects).to_pandas()
    outputs = list(dict.fromkeys(table["output"]))
    by_output = {output: table[table["output"] == output].reset_index(drop=True) for output in outputs}
    first = by_output[outputs[0]]
    truth = Truth.read(first, params.positive)
    predictors = {output: rows["delta"].to_numpy() for output, rows in by_output.items()}
    predictors |= baselines(first, params.protein)
    scores, confusion = score_table(predictors, truth, params.seed), confusion_table(predictors, truth, params.seed)
    write_text(files.scores, table_text(scores))
    write_text(files.confusion, table_text(confusion))
    write_text(files.by_position, table_text(pd.concat(position_table(rows, truth) for rows in by_output.values())))
    for row in scores.itertuples():
        if row.predictor in outputs:
            tell(
                f"{snakemake.wildcards.variants}, {row.predictor}: {row.measure} {row.value:.3f} ({row.low:.3f} to "
                f"{row.high:.3f}) of {row.variants} variants"
            )
