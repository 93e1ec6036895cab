"""Which positions change their contribution when a variant comes: Shapley values of both windows, from the spectrum."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from ..sequences.genome import Reference
from ..spectrum.spectrum import Spectrum
from .reading import Placing, placed

MAX_COMPARED = 30  # variants of each output: those with the largest |delta|


def paired_contributions(
    effects: pd.DataFrame, spectra: Sequence[Spectrum], reference: Reference, placing: Placing
) -> pa.Table:
    """Compare the contributions of the letters of both windows of the variants with the largest effects.

    Args:
        effects: rows of `EFFECT_SCHEMA`.
        spectra: of the outputs.
        reference, placing: as when the model was asked.

    Returns:
        A row per variant, output and position of the window (from 1, as the model reads it): `record`, `allele`,
        `variant_id`, `output`, `position`, `ref_letter`, `alt_letter`, `ref_contribution`, `alt_contribution` and
        `difference`. Variants with an ambiguous letter in a window are passed over.
    """
    parts = []
    for spectrum in spectra:
        of_output = effects[effects["output"] == spectrum.output]
        order = of_output["delta"].abs().sort_values(ascending=False, kind="stable").index
        strongest = of_output.loc[order[:MAX_COMPARED]]
        for row in strongest.to_dict("records"):
            windows = placing.letters(reference, *placed(row))
            template = spectrum.template
            texts = template.alphabet.normalise(windows)
            if (template.to_local(template.alphabet.encode(texts)) >= template.sizes).any():
                continue
            values = spectrum.shapley_values(texts)
            columns = {"record": row["record"], "allele": row["allele"], "variant_id": row["variant_id"]}
            columns |= {"output": spectrum.output, "position": np.arange(1, template.n + 1)}
            columns |= {"ref_letter": list(texts[0]), "alt_letter": list(texts[1])}
            columns |= {"ref_contribution": values[0], "alt_contribution": values[1]}
            parts.append(pd.DataFrame(columns | {"difference": values[1] - values[0]}))
    names = ["record", "allele", "variant_id", "output", "position", "ref_letter", "alt_letter"]
    empty = pd.DataFrame(columns=[*names, "ref_contribution", "alt_contribution", "difference"])
    return pa.Table.from_pandas(pd.concat(parts) if parts else empty, preserve_index=False)
