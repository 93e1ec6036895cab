"""Build the report: one HTML page that holds the figures and the numbers, and a summary in words.

Creates `results/{model}/{queries}/report.html` and `summary.txt` from everything before.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from shapsketch.files import write_text
    from shapsketch.report import collect, render, summary_lines

    contents = collect(snakemake.wildcards.model, snakemake.wildcards.queries, snakemake.input)
    write_text(snakemake.output.summary, "\n".join(summary_lines(contents, snakemake.output.report)) + "\n")
    write_text(snakemake.output.report, render(snakemake.input.template, contents))
