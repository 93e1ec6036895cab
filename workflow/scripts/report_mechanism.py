"""Build the page of a mechanism: a browser of its latents, and its measures beside their controls.

Creates `results/mechanism/{mechanism}/report.html`.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    import pandas as pd

    from shapsketch import __version__
    from shapsketch.report.html import render
    from shapsketch.report.mechanism_page import page_content
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.storage.files import read_json, write_text
    from shapsketch.storage.tsv import read_table

    inputs, params = snakemake.input, snakemake.params
    names = ("concepts", "steering", "doses", "probes", "probe_latents", "designs", "proposals")
    tables = {name: read_table(inputs[name]) for name in names if inputs.get(name)}
    dictionary = read_json(inputs.dictionary)
    sequences = pd.read_parquet(inputs.sequences)["sequence"].tolist()
    circuits = read_json(inputs.circuits) if inputs.get("circuits") else {}
    graphs = {
        graph["file"]: read_json(Path(inputs.graphs) / graph["file"])
        for circuit in circuits.values()
        for graph in circuit["graphs"]
    }
    content = page_content(
        pd.read_parquet(inputs.latents), sequences, read_table(inputs.matrices), dictionary, tables, circuits, graphs,
        params.sketches, Alphabet.from_config(params.alphabet),
    )  # fmt: skip
    page = render(
        {name: inputs[name] for name in ("template", "style", "scripts")},
        content,
        name=snakemake.wildcards.mechanism,
        dictionary=dictionary,
        read_on=len(sequences),
        version=__version__,
    )
    write_text(snakemake.output.report, page)
