"""Settings: the config and what it names, read without numpy, because Snakemake's own process imports this room."""
