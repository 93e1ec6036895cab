"""Scores of sequences by a masked language model.

`pseudo_log_likelihood`: the sum over positions of the log-probability of the letter there, with that letter hidden and
all others shown (Salazar et al., ACL 2020, equation 1). `masked_marginal`: with all letters hidden that differ from a
wild type, the sum over them of the log-probability of the letter less that of the wild type's (Meier et al., NeurIPS
2021, section 3, "masked marginal"). Probabilities are a softmax over the whole vocabulary.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from .answers import described
from .selection import logsumexp
from .tokens import Tokens

Ask = Callable[[np.ndarray], Any]


def scored(source: Mapping[str, Any], template: Template, tokens: Tokens, ask: Ask) -> Callable[[np.ndarray], Any]:
    """Return the predictor of a score.

    Args:
        source: `score`; for `masked_marginal` `wild_type`, a sequence.
        template: of the sequences.
        tokens: what becomes of letters; needs `mask`.
        ask: the network: from (N, L) tokens to (N, L, vocabulary) logits, or such under the name `logits`.

    Raises:
        InputError: there is no token that hides a letter, the wild type does not fit the template, or both strands are
            to be compared with it.
    """
    name = source["score"]
    if tokens.mask is None:
        raise InputError(f"score: {name} hides letters; say by which token: tokens: {{mask: ...}}.")
    if name == "pseudo_log_likelihood":
        return lambda codes: _pseudo_log_likelihood(tokens, ask, codes)
    if source.get("reverse_complement"):
        raise InputError(
            "score: masked_marginal compares with a wild type, which is of one strand; leave out reverse_complement."
        )
    wild_type = source.get("wild_type", "")
    codes = template.alphabet.encode([wild_type]) if len(wild_type) == template.n else None
    if codes is None or (codes >= template.alphabet.q).any():
        raise InputError(
            f"score: masked_marginal compares with a wild type: give wild_type, a sequence of {template.n} letters of "
            f"{template.alphabet.letters}."
        )
    return lambda asked: _masked_marginal(tokens, ask, asked, codes)


def _pseudo_log_likelihood(tokens: Tokens, ask: Ask, codes: np.ndarray) -> np.ndarray:
    """(N,) float64; as many masked sequences are asked at once as there are sequences."""
    count, n = codes.shape
    plain, start = tokens.encode(codes), len(tokens.before)
    scores = np.zeros((count, n))
    cells = np.arange(count * n)
    for first in range(0, len(cells), max(1, count)):
        rows, places = np.divmod(cells[first : first + count], n)
        masked = plain[rows]
        masked[np.arange(len(rows)), start + places] = tokens.mask
        logits = letter_logits(ask(masked), masked.shape)[np.arange(len(rows)), start + places].astype(np.float64)
        scores[rows, places] = logits[np.arange(len(rows)), plain[rows, start + places]] - logsumexp(logits)
    return scores.sum(1)


def _masked_marginal(tokens: Tokens, ask: Ask, codes: np.ndarray, wild_type: np.ndarray) -> np.ndarray:
    """(N,) float64."""
    differs = codes != wild_type
    start = len(tokens.before)
    given, other = tokens.encode(codes), tokens.encode(wild_type)[0]
    masked = given.copy()
    rows, places = np.nonzero(differs)
    masked[rows, start + places] = tokens.mask
    logits = letter_logits(ask(masked), masked.shape)[rows, start + places].astype(np.float64)
    change = np.arange(len(rows))
    gained = logits[change, given[rows, start + places]] - logits[change, other[start + places]]
    return np.bincount(rows, gained, len(codes))


def letter_logits(answer: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return the (N, L, vocabulary) logits of an answer.

    Args:
        answer: of the network: an array, a tensor, or a mapping with one under the name `logits`.
        shape: (N, L) of the tokens that were asked.

    Raises:
        InputError: it holds no logits of that shape.
    """
    if isinstance(answer, Mapping):
        if "logits" not in answer and len(answer) > 1 and 0 not in answer:
            raise InputError(f"A score needs the network's logits; it returned {described(answer)}, none by that name.")
        answer = answer["logits"] if "logits" in answer else next(iter(answer.values()))
    logits = np.asarray(answer)
    if logits.ndim != 3 or logits.shape[:2] != shape:
        raise InputError(
            f"A score needs logits of the shape {shape} x vocabulary, one for each token; the network returned "
            f"{logits.shape}."
        )
    return logits
