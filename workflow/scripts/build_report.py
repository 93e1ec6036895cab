"""Build the report: one HTML page with figures, numbers and sequences, a summary in words, and where all comes from.

Creates `results/{model}/{sequences}/report.html`, `summary.txt` and `provenance.json` from everything before.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    from shapsketch.report.analysis import read_analysis, summary_lines
    from shapsketch.report.methods_text import describe_background
    from shapsketch.report.page import PageSettings, build_page
    from shapsketch.storage import provenance
    from shapsketch.storage.files import read_json, write_json, write_text

    inputs, params, output = snakemake.input, snakemake.params, snakemake.output
    page_parts = ("template", "style", "scripts", "methods", "bibliography")
    others = (*page_parts, "plan", "outside", "results")
    files = {name: path for name, path in inputs.items() if name not in others and path}
    files["values_text"] = str(Path(inputs.values).with_suffix(".tsv.gz"))
    plan = read_json(inputs.plan) if inputs.get("plan") else {"design": None, "lattice": None}
    analysis = read_analysis(snakemake.wildcards.model, snakemake.wildcards.sequences, files)
    record = provenance.collect(
        params.config,
        analysis.spectrum.provenance,
        dict(zip(params.outside, inputs.outside, strict=True)),
        inputs["values"],
        inputs.get("plan"),
    )
    settings = PageSettings(
        source=params.source,
        outputs=params.outputs,
        background=describe_background(params.background),
        design=plan["design"],
        coded=bool(plan["lattice"] and plan["lattice"]["correct"]),
        listing=params.listing,
        motifs=params.motifs,
        provenance=provenance.describe(record),
    )
    sources = {name: inputs[name] for name in page_parts}
    write_text(output.summary, "\n".join(summary_lines(analysis, output.report)) + "\n")
    write_text(output.report, build_page(analysis, sources, settings))
    made = [*inputs.results, output.summary, output.report]
    folder = Path(output.provenance).parents[1]
    write_json(output.provenance, {**record, "results": provenance.hash_results(folder, made)})
