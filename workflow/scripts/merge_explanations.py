"""Put the shards of an explanation together, and score the spectrum on these sequences.

Creates `results/{model}/{queries}/shapley_values.parquet` (and `shapley_values.tsv.gz` below 100,000
rows), `interactions.parquet` and `faithfulness.json` from the shards.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from pathlib import Path

    from shapsketch.faithfulness import report_on_queries
    from shapsketch.files import write_json
    from shapsketch.tables import merge_tables, write_parquet, write_tsv

    values = merge_tables(snakemake.input.values)
    write_parquet(snakemake.output.values, values)
    write_tsv(Path(snakemake.output.values).with_suffix(".tsv.gz"), values)
    write_parquet(snakemake.output.interactions, merge_tables(snakemake.input.interactions))
    write_json(snakemake.output.faithfulness, report_on_queries(values.to_pandas()))
