"""What networks are given for a sequence: one-hot letters or tokens, beside inputs that are held constant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from .language import scored
from .onehot import onehot_encoder
from .tokens import Tokens, constant_inputs

Ask = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class NetworkInput:
    """How a network is asked about letter codes.

    Attributes:
        source: as in the config.
        template: of the sequences.
        tokens: where `input` is `tokens`; None for one-hot letters.
        constants: the inputs that are the same for every sequence, by name; each of one sequence.
    """

    source: Mapping[str, Any]
    template: Template
    tokens: Tokens | None
    constants: dict[str, np.ndarray]

    @classmethod
    def read(cls, source: Mapping[str, Any], template: Template) -> "NetworkInput":
        """Read the keys of a source that say what its network is given.

        Raises:
            InputError: they do not fit together, or a file of them cannot be read.
        """
        reads_tokens = source.get("input") == "tokens"
        tokens = Tokens.read(source.get("tokens", {}), template) if reads_tokens else None
        if tokens is None and (key := next((key for key in ("tokens", "score") if key in source), None)):
            raise InputError(f"The key {key} of a source is for networks that read tokens: set input: tokens.")
        if tokens is None and "layout" not in source:
            raise InputError(
                "A network that reads one-hot letters needs their layout; one that reads numbers, input: tokens."
            )
        return cls(source, template, tokens, constant_inputs(source, tokens))

    def predictor(self, ask: Ask, dtype: str | None = None) -> Ask:
        """Return the predictor of letter codes.

        Args:
            ask: the network, from (N, ...) inputs.
            dtype: of one-hot letters, where it is not the source's.
        """
        if self.tokens is None:
            encode = onehot_encoder(self.source if dtype is None else {**self.source, "dtype": dtype}, self.template)
            return lambda codes: ask(encode(codes))
        if "score" in self.source:
            return scored(self.source, self.template, self.tokens, ask)
        tokens = self.tokens
        return lambda codes: ask(tokens.encode(codes))
