"""shapzero's explanations, in its own environment: `shapzero_explain IN.npz OUT.json`.

IN.npz holds `frequencies` (C, n), `values` (C,) complex, `codes` (S, n) and `q`. OUT.json gets what went in and,
for each sequence, the `seconds` that shapzero took, its Shapley `values` and its `interactions` (positions joined by
commas).
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from shapzero.shap.shap_explainer import shap_explainer


def main() -> None:
    with np.load(sys.argv[1], allow_pickle=False) as given:
        frequencies, values, codes, q = (given[k] for k in ("frequencies", "values", "codes", "q"))
    transform = {tuple(k): complex(f) for k, f in zip(frequencies.tolist(), values, strict=True)}
    explanations = []
    for x in codes.astype(int):
        explainer = shap_explainer(transform, q=int(q), n=codes.shape[1])
        began = time.perf_counter()
        found = explainer.explain(x, "shap_value")
        seconds = time.perf_counter() - began
        phi = [float(found.get((i,), 0.0)) for i in range(codes.shape[1])]
        interactions = shap_explainer(transform, q=int(q), n=codes.shape[1]).explain(x, "interaction")
        named = {",".join(map(str, map(int, s))): float(v) for s, v in interactions.items()}
        explanations.append({"seconds": seconds, "values": phi, "interactions": named})
    given = {"frequencies": frequencies.tolist(), "real": values.real.tolist(), "imaginary": values.imag.tolist()}
    given |= {"q": int(q), "codes": codes.tolist()}
    Path(sys.argv[2]).write_text(json.dumps(given | {"explanations": explanations}))


if __name__ == "__main__":
    main()
