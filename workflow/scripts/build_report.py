"""Build the report: one HTML page that holds figures, numbers and sequences, and a summary in words.

Creates `results/{model}/{queries}/report.html` and `summary.txt` from everything before.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from pathlib import Path

    from shapsketch.files import read_json, write_text
    from shapsketch.methods import describe_background
    from shapsketch.page import build_page
    from shapsketch.report import read_analysis, summary_lines

    inputs, params = snakemake.input, snakemake.params
    own = ("template", "style", "scripts", "plan")
    files = {name: path for name, path in inputs.items() if name not in own and path}
    files["values_text"] = str(Path(inputs.values).with_suffix(".tsv.gz"))
    plan = read_json(inputs.plan) if inputs.get("plan") else {"design": None, "lattice": None}
    settings = {
        "source": params.source,
        "background": describe_background(params.background),
        "design": plan["design"],
        "coded": bool(plan["lattice"] and plan["lattice"]["correct"]),
        "listing": params.listing,
        "motifs": params.motifs,
        "colors": params.motifs["colors"],
    }
    analysis = read_analysis(snakemake.wildcards.model, snakemake.wildcards.queries, files)
    sources = {name: inputs[name] for name in ("template", "style", "scripts")}
    write_text(snakemake.output.summary, "\n".join(summary_lines(analysis, snakemake.output.report)) + "\n")
    write_text(snakemake.output.report, build_page(analysis, sources, settings))
