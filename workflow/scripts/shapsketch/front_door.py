"""What `import shapsketch` offers a notebook: a model in, a spectrum out.

>>> import shapsketch
>>> def model(sequences):
...     return [s.count("A") + 2.0 * (s[1] == "G" and s[4] == "T") for s in sequences]
>>> spectrum = shapsketch.sketch(model, "NNNNNN", budget=4096)
>>> spectrum.shapley_values(["AGCCTC"]).round(3).tolist()
[[0.75, 0.688, -0.25, -0.25, 0.688, -0.25]]
>>> spectrum.interactions(["AGCCTC"], index="FSII", max_order=2, top_k=1).loc[0, ["letters", "positions"]].tolist()
['GT', '2,5']
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .fidelity.records import OutputRecord
from .models import Model, identity
from .models.layouts import check_shape
from .models.table_model import read_table
from .recovery.exact_trees import expand
from .recovery.scored import recover_scored
from .sampling.consistency import check_answers, evaluations_to_make
from .sampling.design import check_estimator, left_for_checks, make_plan
from .sampling.near import Near
from .sampling.plan import Design, Plan
from .sampling.sketch import sample
from .sequences.alphabet import Alphabet
from .sequences.background import background_from_config
from .sequences.template import Template
from .settings.errors import InputError
from .settings.estimators import ESTIMATORS
from .settings.sources import STEADY, with_outputs
from .spectrum.indices import Index
from .spectrum.spectrum import Spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Function = Callable[[list[str]], Any]


def sketch(
    model: Function | Mapping[str, Any],
    template: str,
    budget: int = 20_000,
    *,
    output: str = "value",
    **settings: Any,
) -> Spectrum:
    """Ask a model of one output a number of times, and return its spectrum.

    The spectrum explains any number of sequences without asking again.

    Args:
        model: a function from a list of N strings to (N,) numbers; or a `source` as in the config, such as
            `{"kind": "torch", "path": "model.pt2", "layout": "channels_first"}`.
        template: one symbol per position: `N` (`X` for proteins) is free, a letter is fixed, an IUPAC code restricts.
        budget: model evaluations, all of them: hold-out, validation and a first look at the model included. Trees (a
            `source` of that kind) are expanded exactly instead, and a table is sampled by its rows.
        output: the name of the output.
        settings: see `sketch_outputs`.

    Returns:
        The spectrum. `spectrum.provenance["faithfulness"]` has `r2` on the hold-out with its `r2_interval`, and what
        else the workflow writes into `faithfulness.json`.

    Raises:
        InputError: an argument, or an answer of the model, is not as it should be; the model answers the same sequence
            differently when it is asked again, or beside other sequences.
    """
    return sketch_outputs(model, template, budget, outputs=[output], **settings)[output]


def sketch_outputs(
    model: Function | Mapping[str, Any],
    template: str,
    budget: int = 20_000,
    *,
    outputs: Sequence[str] | Mapping[str, Mapping[str, Any]],
    alphabet: str = "DNA",
    background: str | Mapping[str, Any] = "uniform",
    background_sequences: Sequence[str] | None = None,
    near: Sequence[str] | None = None,
    near_share: float = 0.3,
    design: Design = "auto",
    seed: int = 0,
    batch_size: int = 1024,
    estimator: str = "auto",
    max_order: int | None = None,
    threads: int = 1,
    progress: Callable[[int], object] = lambda evaluated: None,
) -> dict[str, Spectrum]:
    """Ask a model of several outputs a number of times, and return the spectrum of each by name.

    Args:
        model: as for `sketch`; a function may return (N, outputs) numbers, or a dictionary from names to (N,) numbers.
        template: as for `sketch`.
        budget: as for `sketch`; one sketch serves all outputs.
        outputs: the names of the outputs, in the model's order; or what each is of the model's answer, as in the
            config: `{"k562": {"select": {1: "440:456", 2: 3}, "reduce": "mean"}}`.
        alphabet: `DNA`, `RNA`, `protein`, or the letters in the order that numbers them.
        background: what absent letters are drawn from: `uniform`, `{"frequencies": {"A": 0.3, ...}}`,
            `{"mutate": {"around": sequence, "rate": 0.1}}`, `{"from_sequences": {"pseudocount": 1}}`, or a Markov
            chain, `{"markov": {"pseudocount": 1}}` (see `config/README.md`).
        background_sequences: the sequences that `from_sequences` or a Markov chain counts; those of `from_sequences`
            have the template's length, those of a chain no ambiguous letters.
        near: sequences that a share of the budget is asked near: those to be explained, where they are rare under the
            background.
        near_share: of the budget, above 0 and below 1.
        design: which queries; `auto` is right unless one knows better.
        seed: of every random draw; the same seed gives the same spectrum, to the bit.
        batch_size: sequences per call of the model, at most.
        estimator: `auto`, or one of the config's `recovery.estimator`.
        max_order: the highest order of interaction, at least 1; None leaves it to the estimator.
        threads: how many may be used; does not change the result.
        progress: called with the number of sequences after every batch.

    Raises:
        InputError: an argument, or an answer of the model, is not as it should be. Arguments are looked at before the
            model is asked.
    """
    _check_settings(estimator, max_order)
    letters = Template(Alphabet.from_config(alphabet), template)
    source = {"kind": "callable", "function": model} if callable(model) else dict(model)
    if isinstance(outputs, Mapping) and source["kind"] in STEADY:
        raise InputError(f"A model of the kind {source['kind']} has no outputs to choose from; list their names.")
    source, outputs = with_outputs(source, outputs), list(outputs)
    drawn = background_from_config(letters, background, _counted(letters, background, background_sequences))
    if source["kind"] == "trees":
        expanded, records, _ = expand(source, outputs, drawn, max_order=max_order, seed=seed)
        return {spectrum.output: _scored(spectrum, records[spectrum.output]) for spectrum in expanded}
    left = 0 if source["kind"] in STEADY else left_for_checks(drawn.template, budget, design)
    plan = make_plan(
        identity(source),
        outputs,
        drawn,
        budget=budget,
        design=design,
        seed=seed,
        batch_size=batch_size,
        table_rows=len(read_table(source, letters, outputs).codes) if source["kind"] == "table" else None,
        near=_near(letters, near, near_share),
        checked=evaluations_to_make(budget, left),
    )
    check_estimator(plan, estimator)
    if source["kind"] not in STEADY:
        _look(source, plan, budget, left)
    answers = sample(plan, source, progress)
    recovered = recover_scored(answers, estimator=estimator, max_order=max_order, threads=threads)
    return {output: _scored(scored.spectrum, scored.record) for output, scored in zip(outputs, recovered, strict=True)}


def _check_settings(estimator: str, max_order: int | None) -> None:
    """Refuse what no plan serves."""
    if estimator not in (known := ["auto", *ESTIMATORS]):
        raise InputError(f"The estimator {estimator!r} is not one of {', '.join(known)}.")
    if max_order is not None and not (isinstance(max_order, Integral) and max_order >= 1):
        raise InputError(f"max_order is {max_order!r}; give a whole number of at least 1, or None.")


def _counted(
    template: Template, spec: str | Mapping[str, Any], sequences: Sequence[str] | None
) -> Sequence[str] | None:
    """Sequences that a background counts, as the alphabet writes them, checked."""
    if sequences is None:
        return None
    texts, kind = template.alphabet.normalise(sequences), next(iter(spec), "") if isinstance(spec, Mapping) else ""
    if kind not in ("from_sequences", "markov"):
        return texts
    if not texts:
        raise InputError("background_sequences has no sequence that the background could count.")
    length = template.n if kind == "from_sequences" else len(texts[0])
    for number, text in enumerate(texts, 1):
        if len(text) != length:
            wanted = f"the template has {length}" if kind == "from_sequences" else f"the first one has {length}"
            raise InputError(f"background_sequences: sequence {number} has {len(text)} letters; {wanted}.")
        unknown = set(text) - set(template.alphabet.letters)
        if kind == "markov" and unknown:
            place = min(text.index(letter) for letter in unknown)
            raise InputError(
                f"background_sequences: sequence {number} has {text[place]!r} at position {place + 1}; a Markov chain "
                f"counts the letters {template.alphabet.letters} alone."
            )
    return texts


def _near(template: Template, sequences: Sequence[str] | None, share: float) -> Near | None:
    """Sequences that queries are drawn near, checked."""
    if sequences is None:
        return None
    if not (isinstance(share, Real) and 0 < share < 1):
        raise InputError(f"near_share is {share!r}; give a share of the budget above 0 and below 1.")
    texts = template.alphabet.normalise(sequences)
    codes = template.to_local(template.alphabet.encode(texts)) if {len(s) for s in texts} == {template.n} else None
    if codes is None or (codes >= template.sizes).any():
        raise InputError(f"near wants sequences that fit the template {template.pattern}, without ambiguous letters.")
    return Near.of(share, {"near": texts})


def _look(source: Mapping[str, Any], plan: Plan, budget: int, left: int) -> None:
    """Look at the model as the workflow does first; the plan counts the evaluations. What is noted is a warning."""
    check_shape(source, plan.template)
    model = Model(source, plan.template, plan.outputs, plan.batch_size)
    for note in check_answers(model, plan.background, budget=budget, left=left, seed=plan.seed).notes:
        warnings.warn(note, stacklevel=4)


def _scored(spectrum: Spectrum, record: OutputRecord) -> Spectrum:
    return replace(spectrum, provenance={**spectrum.provenance, "faithfulness": dict(record)})


def sequence_figure(spectrum: Spectrum, sequence: str, index: Index = "FSII", max_order: int = 3) -> "Figure":
    """Draw a sequence: letters as tall as their Shapley values, and its strongest interactions as arcs.

    Args:
        spectrum: of the model.
        sequence: n letters.
        index: of the interactions.
        max_order: the top order of the index.

    Returns:
        The figure, in the model's units.

    Raises:
        InputError: the sequence does not fit the template, or the index is not one of those there are.
    """
    from .figures.sequence import sequence_figure as draw

    (sequence,) = spectrum.as_strings([sequence])
    return draw(
        spectrum.template,
        sequence,
        spectrum.shapley_values([sequence])[0],
        spectrum.interactions([sequence], index, max_order),
        f"{spectrum.output}: {spectrum.predict([sequence])[0]:.3g}",
    )


def contribution_logo(spectrum: Spectrum, sequences: Sequence[str]) -> "Figure":
    """Draw the mean Shapley value of each letter at each position, over the sequences that have it there.

    Args:
        spectrum: of the model.
        sequences: N strings of n letters.

    Returns:
        The figure, in the model's units.

    Raises:
        InputError: a sequence does not fit the template.
    """
    from .figures.logos import contribution_logo as draw

    text = spectrum.as_strings(sequences)
    values, letters = spectrum.shapley_values(text), np.array([list(s) for s in text])
    rows = []
    for i, letter in product(range(spectrum.template.n), spectrum.template.alphabet.letters):
        there = values[letters[:, i] == letter, i]
        rows.append({"position": i + 1, "letter": letter, "mean": there.mean() if len(there) else 0.0})
    return draw(spectrum.template, pd.DataFrame(rows), spectrum.output, "mean Shapley value")
