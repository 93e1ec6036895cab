"""Draw how faithful the spectrum of each output is: the learning curve, and the hold-out.

Creates the SVG and PNG files in `results/{model}/spectrum/figures/` from the tables of the spectrum.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    from shapsketch.figures.charts import holdout_chart, learning_curve_chart
    from shapsketch.figures.style import save_figure
    from shapsketch.storage.tsv import read_table

    folder, model = Path(snakemake.output.figures), snakemake.wildcards.model
    folder.mkdir(parents=True, exist_ok=True)
    charts = {"holdout": holdout_chart, "learning_curve": learning_curve_chart}
    for name, draw in charts.items():
        table = read_table(snakemake.input[name]) if snakemake.input.get(name) else []
        for output, rows in table.groupby("output") if len(table) else ():
            save_figure(draw(rows, f"{output}, {model}"), folder / f"{output}.{name}")
