"""Draw the contribution logo, the motif logos, the orders and the interaction map of each output.

Creates the SVG and PNG files in `results/{model}/{queries}/motifs/logos/` from the motif tables.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from pathlib import Path

    import pandas as pd
    from tqdm import tqdm

    from shapsketch import logos
    from shapsketch.files import read_json
    from shapsketch.spectrum import load_spectra

    folder = Path(snakemake.output.logos)
    folder.mkdir(parents=True, exist_ok=True)
    names = ("contributions", "motifs", "motif_matrices", "position_interactions")
    tables = {name: pd.read_csv(snakemake.input[name], sep="\t", dtype={"positions": str}) for name in names}
    faithfulness = read_json(snakemake.input.faithfulness)
    queries = snakemake.wildcards.queries
    for output, spectrum in tqdm(load_spectra(snakemake.input.spectrum).items(), unit="output"):
        template, score = spectrum.template, faithfulness[output]
        own = {name: table[table["output"] == output] for name, table in tables.items()}
        figure = logos.contribution_logo(template, own["contributions"], f"{output}, {queries}", "mean Shapley value")
        logos.save_figure(figure, folder / f"{output}.contributions")
        figure = logos.order_bars(score["variance_by_order"], score["r2"], output)
        logos.save_figure(figure, folder / f"{output}.orders")
        figure = logos.interaction_heatmap(
            template.n, own["position_interactions"], output, "interaction (standard deviation)"
        )
        logos.save_figure(figure, folder / f"{output}.interactions")
        for _, motif in own["motifs"].iterrows():
            matrix = own["motif_matrices"][own["motif_matrices"]["motif"] == motif["motif"]]
            logos.save_figure(logos.motif_logo(template, motif, matrix), folder / f"{output}.{motif['motif']}")
