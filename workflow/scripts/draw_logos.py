"""Draw logos and maps of each output from the tables of motifs.

Creates the SVG and PNG files in `results/{model}/{sequences}/motifs/logos/`.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    from shapsketch.figures.drawing import draw_all
    from shapsketch.figures.style import save_figure
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import read_json
    from shapsketch.storage.tsv import read_table

    folder = Path(snakemake.output.logos)
    folder.mkdir(parents=True, exist_ok=True)
    names = (
        "contributions", "motifs", "placements", "motif_matrices", "position_interactions", "supports",
        "support_tables",
    )  # fmt: skip
    tables = {name: read_table(snakemake.input[name]) for name in names}
    scores = read_json(snakemake.input.faithfulness)
    for output, spectrum in load_spectra(snakemake.input.spectrum).items():
        output_tables = {name: table[table["output"] == output] for name, table in tables.items()}
        figures = draw_all(
            spectrum, output_tables, scores[output], snakemake.wildcards.sequences, snakemake.params.colors
        )
        with script.progress(f"draw {output}", "figure") as bar:
            for name, figure in figures:
                save_figure(figure, folder / f"{output}.{name}")
                bar.update()
