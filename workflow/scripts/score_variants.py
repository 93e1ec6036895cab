"""Score the effects of variants, and other predictors of them, against their labels and measured values.

Creates `scores.tsv`, `confusion.tsv`, `predictions.tsv` and `by_position.tsv` in `results/{model}/{variants}/` from the
effects by this model and by those beside it, the file of the variants, and baselines.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pandas as pd
    import pyarrow.parquet as pq

    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text
    from shapsketch.variants import predictors as gather
    from shapsketch.variants.baselines import Sites, baselines
    from shapsketch.variants.classes import Truth, describe_classes, without_label
    from shapsketch.variants.effects import DIGITS
    from shapsketch.variants.scoring import (
        DAMAGING,
        Predictors,
        confusion_table,
        cross_validated_calls,
        position_table,
        prediction_table,
        score_table,
    )
    from shapsketch.variants.setup import sequence_of

    params, settings, files = snakemake.params, snakemake.params.settings, snakemake.output
    paths = [snakemake.input.effects] if isinstance(snakemake.input.effects, str) else snakemake.input.effects
    tables = {model: pq.read_table(path).to_pandas() for model, path in zip(params.models, paths, strict=True)}
    table = tables[params.models[0]]
    variants = gather.variants_of(table)
    truth = Truth.read(variants, settings["positive"], settings["negative"])
    alphabet, sites = Alphabet.from_config(params.alphabet), None
    if snakemake.input.get("alignment"):
        given, aligned = settings["sequence"], settings["alignment"]
        sequence = sequence_of(given, snakemake.input.variants, alphabet, settings["first"])
        sites = Sites.read(snakemake.input.alignment, sequence, alphabet, aligned["name"], aligned["pseudocount"])
    simple = baselines(variants, params.protein, sites, snakemake.input.get("track") or "")
    effects = gather.effects_by_name(tables)
    columns = gather.column_predictors(snakemake.input.variants, settings["predictors"], variants)
    lower = {*settings["lower"], *(simple if truth.label.lower() in DAMAGING else ())}
    predictors = Predictors(gather.put_together(effects, columns, simple), lower)
    for name, values in predictors.values.items():
        missing = int(pd.isna(values).sum())
        if missing:
            tell(f"{snakemake.wildcards.variants}: {name} says nothing of {missing} of {len(variants)} variants")
    if len(truth.negative + truth.neither) > 1:
        tell(f"{snakemake.wildcards.variants}: {describe_classes(truth)}")
    if settings["label"] and without_label(truth):
        tell(f"{snakemake.wildcards.variants}: {without_label(truth)}")

    scores = score_table(predictors, truth, params.seed)
    calls = cross_validated_calls(predictors, truth, params.seed)
    positions = [position_table(rows.reset_index(drop=True), truth) for _, rows in table.groupby("output", sort=False)]
    write_text(files.scores, table_text(scores))
    write_text(files.confusion, table_text(confusion_table(calls, lower)))
    write_text(files.predictions, table_text(prediction_table(variants, predictors, calls), DIGITS))
    write_text(files.by_position, table_text(pd.concat(positions)))
    for row in scores[scores["predictor"].isin([*effects, *columns])].itertuples():
        tell(
            f"{snakemake.wildcards.variants}, {row.predictor}: {row.measure} {row.value:.3f} ({row.low:.3f} to "
            f"{row.high:.3f}) of {row.variants} variants"
        )
