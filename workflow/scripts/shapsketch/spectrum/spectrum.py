"""The Spectrum: what a sketch has learned about a model, in a form that explains any sequence.

Every estimator produces one and every explanation reads one. It holds the dividends of the model
under the declared background (`terms`), the mean (`intercept`), and enough about the model to
refuse sequences it does not fit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from ..sequences.background import Background
from ..sequences.template import Template
from ..settings.errors import InputError
from .components import Components
from .terms import Terms
from .trains import Train

if TYPE_CHECKING:
    import pandas as pd

    from .indices import Index
    from .tables import Explained


class SpectrumProvenance(TypedDict, total=False):
    """Where a spectrum comes from.

    Attributes:
        plan: the hash of the sketch's plan.
        model: what the model was, by hash.
        seed, evaluations: of the sketch.
        estimator: its name, or such joined by " + " where several were stacked.
        recovery_version: of the recovery; see `settings/versions.py`.
        versions: of the code and of packages.
        faithfulness: the scores, at the front door alone.
    """

    plan: str
    model: Mapping[str, Any]
    seed: int
    evaluations: int
    estimator: str
    recovery_version: int
    versions: dict[str, str]
    faithfulness: Mapping[str, Any]


@dataclass(frozen=True)
class Spectrum:
    """The sketched dividends of one output of a model.

    Attributes:
        background: the background (with template and alphabet) that the dividends refer to.
        output: the name of the model's output.
        intercept: the mean of the model under the background, a(empty).
        terms: the dividends; each table averages to zero along every axis.
        provenance: where it comes from.
        trains: over the free positions of the template; they add their dividends to those of the terms. Their own means
            count nothing: the intercept is the mean of all.
        near: (C, n) uint8 local codes of the sequences that queries were drawn near, for warnings; None for none.
    """

    background: Background
    output: str
    intercept: float
    terms: Terms
    provenance: SpectrumProvenance = field(default_factory=lambda: SpectrumProvenance())
    trains: tuple[Train, ...] = ()
    near: np.ndarray | None = None

    @property
    def template(self) -> Template:
        """The template of the background."""
        return self.background.template

    @cached_property
    def components(self) -> Components:
        """Terms and trains, as functions of codes."""
        return Components(self.terms, self.trains, self.template.free)

    @cached_property
    def tables(self) -> Terms:
        """The terms; with trains, the strongest supports of all components as tables (see `strongest_terms`)."""
        from .train_supports import strongest_terms

        return strongest_terms(self) if self.trains else self.terms

    @cached_property
    def variances(self) -> np.ndarray:
        """(T,) float64: E[a(T)^2] of each of `tables`; see `variance_by_order`."""
        return self.tables.variances(self.background.local)

    def variance_by_order(self) -> dict[int, float]:
        """Return the variance under the background that the dividends of each order carry; exact.

        Under a Markov background dividends are correlated, and their mean squares, which this returns (over independent
        letters, as frequent as in the chain), do not add up to a variance.
        """
        return self.components.variance_by_order(self.background.local)

    def sobol_indices(self) -> "pd.DataFrame":
        """Return Sobol' indices of every position under the background, exactly for the spectrum.

        Returns:
            `position` (1-based), `first` (the share of the variance that its letter alone has) and `total` (that of all
            dividends that hold it: what would be lost were its letter not known). NaN where the spectrum is constant.

        Raises:
            InputError: the background is a Markov chain, under which positions are not independent.
        """
        import pandas as pd

        if not self.background.is_product:
            raise InputError("Sobol' indices need positions that are independent; this background is a Markov chain.")
        alone, whole = self.components.variance_by_position(self.background.local)
        variance = sum(self.variance_by_order().values())
        shares = [part / variance if variance > 0 else np.full(len(part), np.nan) for part in (alone, whole)]
        return pd.DataFrame({"position": np.arange(1, len(alone) + 1), "first": shares[0], "total": shares[1]})

    def as_strings(self, sequences: Iterable[str]) -> list[str]:
        """Return sequences, in whatever they come, as the alphabet writes them, all of the template's length.

        Raises:
            InputError: a sequence is no string, or has another length.
        """
        texts, n = self.template.alphabet.normalise(sequences), self.template.n
        for row, text in enumerate(texts, 1):
            if len(text) != n:
                raise InputError(f"Sequence {row} has {len(text)} letters; this spectrum explains sequences of {n}.")
        return texts

    def encode(self, sequences: Iterable[str]) -> np.ndarray:
        """Return the (N, n) uint8 local codes of N sequences, by which the terms are indexed.

        Raises:
            InputError: a sequence is no string, has another length, or a letter that the template does not allow.
        """
        template, sequences = self.template, self.as_strings(sequences)
        local = template.to_local(template.alphabet.encode(sequences).reshape(-1, template.n))
        bad = np.argwhere(local >= template.sizes)
        if len(bad):
            row, i = bad[0]
            allowed = "".join(np.array(list(template.alphabet.letters))[template.allowed[i]])
            raise InputError(
                f"Sequence {row + 1} has {sequences[row][i]!r} at position {i + 1}; "
                f"this spectrum allows {allowed} there."
            )
        return local

    def predict(self, sequences: Iterable[str]) -> np.ndarray:
        """Return the (N,) float64 reconstruction f_hat of N sequences."""
        return self.predict_codes(self.encode(sequences))

    def predict_codes(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N,) float64 reconstruction at (N, n) uint8 local codes."""
        return self.intercept + self.components.predict(codes)

    def predict_by_order(self, codes: np.ndarray, max_order: int) -> np.ndarray:
        """Return (max_order + 1, N) float64: what `truncate` to each order, from 0 on, reconstructs.

        Args:
            codes: (N, n) uint8 local codes.
            max_order: the highest.
        """
        return self.intercept + self.components.predict_by_order(codes, max_order)

    def shapley_values(self, sequences: Iterable[str]) -> np.ndarray:
        """Return the (N, n) float64 Shapley values of N sequences; they sum to `predict` less `intercept`."""
        return self.components.shapley_values(self.encode(sequences))

    def interactions(
        self,
        sequences: Iterable[str],
        index: "Index" = "FSII",
        max_order: int = 3,
        *,
        min_order: int = 2,
        top_k: int | None = 20,
        threshold: float = 0.0,
    ) -> "pd.DataFrame":
        """List the strongest interactions of each sequence, as the workflow does.

        Args:
            sequences: N strings: a list, a column of a DataFrame, an array, ...
            index: `SII`, `k-SII`, `BII`, `STII`, `FSII`, `FBII`, or the Banzhaf values `BV`.
            max_order: the top order of the index.
            min_order: the lowest order listed.
            top_k: how many per sequence at most, by magnitude; None for all.
            threshold: the least magnitude, in the model's units.

        Returns:
            `sequence` (its number, from 0), `index`, `order`, `positions` (1-based, `"3,17"`), `letters`,
            `value` (in the model's units); strongest first within a sequence.

        Raises:
            InputError: a sequence does not fit, or the index is not known.
        """
        from .interaction_tables import list_interactions

        return list_interactions(self, sequences, index, min_order, max_order, top_k, threshold)

    def explain(
        self,
        sequences: Iterable[str],
        indices: Sequence["Index"] = ("FSII",),
        max_order: int = 3,
        *,
        min_order: int = 2,
        top_k: int | None = 20,
        threshold: float = 0.0,
    ) -> "Explained":
        """Explain sequences as the workflow does: Shapley values, the strongest interactions, and means over all.

        Args:
            sequences: N strings.
            indices: of the interactions; see `interactions`.
            max_order, min_order, top_k, threshold: see `interactions`.

        Returns:
            `values`, `interactions` and `aggregates`, each a DataFrame.

        Raises:
            InputError: a sequence does not fit, or an index is not known.
        """
        from .interaction_tables import Listing
        from .tables import explain

        return explain(self, self.as_strings(sequences), Listing(indices, min_order, max_order, top_k, threshold))

    def truncate(self, max_order: int) -> "Spectrum":
        """Return the spectrum without dividends above an order."""
        part = self.components.truncate(max_order)
        return replace(self, terms=part.terms, trains=part.trains)

    def save(self, path: str | Path) -> None:
        """Write the spectrum alone to an .npz; see `save_spectra`."""
        from .spectrum_file import save_spectra

        save_spectra(path, [self])

    @classmethod
    def load(cls, path: str | Path, output: str | None = None) -> "Spectrum":
        """Return one output's spectrum, read from a file.

        Args:
            path: an .npz written by `save_spectra`.
            output: which output; may be left out when the file holds one.

        Raises:
            InputError: the file is damaged, of another version, or has no such output.
        """
        from .spectrum_file import load_spectra

        spectra = load_spectra(path)
        if output is None and len(spectra) == 1:
            return next(iter(spectra.values()))
        if output not in spectra:
            raise InputError(f"{path} holds the outputs {', '.join(spectra)}; {output!r} was asked for.")
        return spectra[output]
