"""Half precision: a network of single precision whose products are computed in half of it, where that answers the same.

PyTorch decides operation by operation what is safe in float16 (autocast; Micikevicius et al. 2018, "Mixed precision
training", ICLR); on recent GPUs that is several times as fast. Whether a network answers the same is looked at before
it is used, on sequences that are the same wherever and however often it is loaded.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sequences.background import Background
from ..sequences.rng import CHECK_STREAM, random_words
from ..sequences.template import Template
from ..settings.errors import InputError
from . import Predictor
from .network_input import Ask

if TYPE_CHECKING:
    import torch

MAX_DIFFERENCE = 1e-3  # of the largest magnitude among an array's answers
SEQUENCES = 16  # that are compared


def in_half(ask: Ask, device: "torch.device") -> Ask:
    """Return the same network with its products in float16."""
    import torch

    def ask_in_half(inputs: np.ndarray) -> Any:
        with torch.autocast(device.type, dtype=torch.float16):
            return ask(inputs)

    return ask_in_half


def checked(half: Predictor, full: Predictor, template: Template, name: str) -> Predictor:
    """Return the predictor in half precision, if it answers like that in full precision.

    Args:
        half, full: the same network.
        template: of the sequences.
        name: of the model, as sentences have it.

    Raises:
        InputError: a number differs by more than a thousandth of the largest of its array.
    """
    words = random_words(0, CHECK_STREAM, 0, SEQUENCES, template.n)
    codes = template.to_alphabet(Background.uniform(template).draw(words))
    for one, other in zip(_arrays(half(codes)), _arrays(full(codes)), strict=True):
        largest = float(np.abs(other).max(initial=0.0))
        difference = float(np.abs(one - other).max(initial=0.0))
        if not difference <= MAX_DIFFERENCE * largest:  # NaN, too
            raise InputError(
                f"{name} answers otherwise in half precision, by up to {difference:.2g} among answers of up to "
                f"{largest:.2g}, and {MAX_DIFFERENCE:g} of these is allowed: leave out precision: half."
            )
    return half


def _arrays(answer: Any) -> list[np.ndarray]:
    """All arrays of an answer, as float64."""
    arrays = list(answer.values()) if isinstance(answer, Mapping) else [answer]
    return [np.asarray(array, np.float64) for array in arrays]
