"""Draw how close each method comes to the truth against what it costs, and total cost against number of sequences.

Creates the SVG and PNG files in `results/{model}/{sequences}/comparison/` from `comparison.tsv`.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    from shapsketch.figures.charts import cost_chart, total_cost_chart
    from shapsketch.figures.style import save_figure
    from shapsketch.storage.tsv import read_table

    wildcards, folder = snakemake.wildcards, Path(snakemake.output.figures)
    folder.mkdir(parents=True, exist_ok=True)
    for output, rows in read_table(snakemake.input.table).groupby("output", sort=False):
        title = f"{output}, {wildcards.model}, {wildcards.sequences}"
        save_figure(cost_chart(rows, title), folder / f"{output}.accuracy_against_cost")
        save_figure(total_cost_chart(rows, title), folder / f"{output}.total_cost")
