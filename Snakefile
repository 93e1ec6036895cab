# Runs the workflow in workflow/ from the top folder: `snakemake --cores 2`.
include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,
