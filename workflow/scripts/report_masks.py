"""Build the report of a masked explanation: a page with the map of every sequence, a summary, and where all comes from.

Creates `results/{model}/{sequences}/report.html`, `summary.txt` and `provenance.json` from the explanations.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import json
    from pathlib import Path

    import pandas as pd
    import pyarrow.parquet as pq

    from shapsketch import __version__
    from shapsketch.figures.style import letter_colors
    from shapsketch.report.html import glyphs, render
    from shapsketch.report.mask_motifs import Motifs
    from shapsketch.report.mask_page import FILES, page_content, summary_lines
    from shapsketch.report.methods_text import describe_background
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.storage import provenance
    from shapsketch.storage.files import read_json, write_json, write_text
    from shapsketch.storage.tsv import read_table

    inputs, params, output, names = snakemake.input, snakemake.params, snakemake.output, snakemake.wildcards
    tables = {
        name: pd.read_parquet(inputs[name])
        for name in ("values", "letters", "errors", "interactions", "scores", "sequences", "folds")
        if inputs.get(name)
    }
    scores = read_json(inputs.faithfulness)
    indices = [name for name in params.listing["indices"] if name not in ("SV", "BV")]
    stretches = {Path(path).name: path for path in inputs.get("motifs", [])}
    motifs = None
    if stretches:
        read = [read_table(stretches[name]) for name in ("motifs.tsv", "motif_matrices.tsv", "instances.tsv")]
        tomtom = read_table(inputs.tomtom) if inputs.get("tomtom") else None
        motifs = Motifs(*read, read_json(stretches["found.json"]), tomtom)
    content = page_content(tables, scores, indices[0] if indices else None, params.masks["players"], motifs)
    alphabet = Alphabet.from_config(params.alphabet)
    drawn = {"colors": letter_colors(alphabet, params.colors), "glyphs": glyphs(alphabet.letters)}
    explained = json.loads(pq.read_schema(inputs["values"]).metadata[b"shapsketch"])
    record = provenance.collect(
        params.config, explained, dict(zip(params.outside, inputs.outside, strict=True)), inputs["values"]
    )
    record["versions"].pop("spectrum")
    write_text(output.summary, "\n".join(summary_lines(names.model, names.sequences, scores, output.report)) + "\n")
    page = render(
        {name: inputs[name] for name in ("template", "style", "scripts")},
        content | {"template": params.template, "alphabet": drawn},
        model=names.model,
        sequence_set=names.sequences,
        background=describe_background(params.background),
        left_out=explained.get("background", ""),
        looked=motifs is not None,
        compared=motifs is not None and motifs.tomtom is not None,
        strands=params.strands,
        masks=params.masks,
        made=params.outputs,
        files=[(name, words) for name, words in FILES if (Path(output.report).parent / name).exists()],
        provenance=provenance.describe(record),
        version=__version__,
    )
    write_text(output.report, page)
    made = [
        inputs[name]
        for name in (
            "values",
            "letters",
            "errors",
            "interactions",
            "scores",
            "sequences",
            "dropped",
            "faithfulness",
            "folds",
        )
        if inputs.get(name)
    ]
    made += [*stretches.values(), *(inputs[name] for name in ("tomtom", "hypothetical") if inputs.get(name))]
    folder = Path(output.provenance).parents[1]
    made += [output.summary, output.report]
    write_json(output.provenance, {**record, "results": provenance.hash_results(folder, made)})
