"""BE-DICT on one-hot letters, as the factory of a config names it: (N, 20, 4) in the order ACTG in, 20 logits out."""

import torch

from bedict import BeDict


class OneHotBeDict(BeDict):
    """The network of `bedict`, whose weights it takes, with gradients of its letters."""

    def forward(self, onehot: torch.Tensor) -> torch.Tensor:
        embedder = self.nucleopos_embedder
        embedded = onehot @ embedder.nucleo_emb.weight + embedder.pos_emb.weight
        scores = self.Wy(self.pooling(self.trfunit_pipeline(embedded))) + self.bias
        return scores[..., 1] - scores[..., 0]


def network():
    return OneHotBeDict()
