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
    from shapsketch.report.html import render
    from shapsketch.report.mask_page import FILES, page_content, summary_lines
    from shapsketch.report.methods_text import describe_background
    from shapsketch.storage import provenance
    from shapsketch.storage.files import read_json, write_json, write_text

    inputs, params, output, names = snakemake.input, snakemake.params, snakemake.output, snakemake.wildcards
    tables = {
        name: pd.read_parquet(inputs[name]) for name in ("values", "errors", "interactions", "scores", "sequences")
    }
    scores = read_json(inputs.faithfulness)
    indices = [name for name in params.listing["indices"] if name not in ("SV", "BV")]
    content = page_content(tables, scores, indices[0] if indices else None, params.masks["players"])
    explained = json.loads(pq.read_schema(inputs["values"]).metadata[b"shapsketch"])
    record = provenance.collect(
        params.config, explained, dict(zip(params.outside, inputs.outside, strict=True)), inputs["values"]
    )
    record["versions"].pop("spectrum")
    write_text(output.summary, "\n".join(summary_lines(names.model, names.sequences, scores, output.report)) + "\n")
    page = render(
        {name: inputs[name] for name in ("template", "style", "scripts")},
        content | {"template": params.template},
        model=names.model,
        sequence_set=names.sequences,
        background=describe_background(params.background),
        left_out=explained.get("background", ""),
        masks=params.masks,
        made=params.outputs,
        files=[(name, words) for name, words in FILES if Path(output.report).with_name(name).exists()],
        provenance=provenance.describe(record),
        version=__version__,
    )
    write_text(output.report, page)
    made = [
        inputs[name] for name in ("values", "errors", "interactions", "scores", "sequences", "dropped", "faithfulness")
    ]
    folder = Path(output.provenance).parents[1]
    made += [output.summary, output.report]
    write_json(output.provenance, {**record, "results": provenance.hash_results(folder, made)})
