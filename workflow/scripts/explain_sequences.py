"""Explain one shard of the sequences: Shapley values and the strongest interactions of each.

Creates `results/{model}/{queries}/shards/{scatteritem}.shapley_values.parquet` and
`.interactions.parquet` from the spectrum, the sequences and (for the column `prediction`) the model.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from tqdm import tqdm

    from shapsketch.explain import interaction_table, predict_plain, shapley_table
    from shapsketch.models import Model
    from shapsketch.sketch import shard_range
    from shapsketch.spectrum import load_spectra
    from shapsketch.tables import write_parquet

    spectra = load_spectra(snakemake.input.spectrum)
    sequences = pd.read_parquet(snakemake.input.sequences)
    params = snakemake.params
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = shard_range(len(sequences), params.batch_size, shard, shards)
    sequences = sequences.iloc[start:stop]
    predictions = np.full((len(sequences), len(spectra)), np.nan)
    if params.predict and len(sequences):
        template = next(iter(spectra.values())).template
        model = Model(params.source, template, list(spectra), params.batch_size)
        predictions = predict_plain(model, sequences["sequence"].tolist(), start)
    values, interactions = [], []
    for spectrum, predicted in tqdm(zip(spectra.values(), predictions.T, strict=True), total=len(spectra)):
        values.append(shapley_table(spectrum, sequences, predicted))
        interactions.append(interaction_table(spectrum, sequences, params.indices, params.max_order, params.top_k))
    write_parquet(snakemake.output.values, pa.concat_tables(values))
    write_parquet(snakemake.output.interactions, pa.concat_tables(interactions))
