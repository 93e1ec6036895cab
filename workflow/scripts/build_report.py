"""Build the report: one HTML page with figures and numbers, a summary in words, and where all of it comes from.

Creates `results/{model}/{queries}/report.html`, `summary.txt` and `provenance.json` from everything before.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from pathlib import Path

    from shapsketch import provenance
    from shapsketch.files import write_json, write_text
    from shapsketch.report import collect, render, summary_lines

    files, output = snakemake.input, snakemake.output
    contents = collect(snakemake.wildcards.model, snakemake.wildcards.queries, files)
    inputs = dict(zip(snakemake.params.inputs, files.inputs, strict=True))
    record = provenance.collect(
        snakemake.params.config, contents.provenance, inputs, files["values"], files.get("plan")
    )
    write_text(output.summary, "\n".join(summary_lines(contents, output.report)) + "\n")
    write_text(output.report, render(files.template, contents, provenance.describe(record)))
    made = [*files.results, output.summary, output.report]
    folder = Path(output.provenance).parents[1]
    write_json(output.provenance, {**record, "results": provenance.hash_results(folder, made)})
