"""Versions of the algorithms, one per stage.

Snakemake does not see changes in the library. The rules carry these numbers as parameters, so raising one
makes the results of its stage, and all that follows from them, be made anew.
"""

VERSIONS = {
    "check": 1,
    "convert": 2,
    "recovery": 26,
    "explain": 8,
    "masks": 16,
    "motifs": 13,
    "compare": 2,
    "report": 8,
    "variants": 9,
    "mechanism": 12,
}

# How each kind of model is read, where that has changed what files are taken to mean: sketches of before are no longer
# of this model.
READERS = {"keras_h5": 2, "latents": 2, "table": 2, "torch": 2, "trees": 2}
