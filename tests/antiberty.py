"""AntiBERTy (Ruffolo et al. 2021), a protein language model of antibodies, on one-hot letters, without `transformers`.

Modules are named as its published tensors are. (N, n, 20) one-hot letters in alphabetical order in; a row of zeros is a
masked letter; (N, n, 20) logits of the letters out. The weights are those of the wheel antiberty 0.1.3 (MIT):
`pip download --no-deps antiberty==0.1.3`.
"""

import hashlib
import zipfile
from pathlib import Path

import torch
from torch import nn

WHEEL_SHA256 = "30d910992b190013871bac49cdc032e01a19339f7d2b958ab99b0eb44638352a"
WEIGHTS = "antiberty/trained_models/AntiBERTy_md_smooth/pytorch_model.bin"
CLS, SEP, MASK, FIRST = 2, 3, 4, 5  # numbers of tokens; letters follow in alphabetical order
LAYERS, WIDTH, HIDDEN, HEADS, POSITIONS, TOKENS = 8, 512, 2048, 8, 512, 25
EPSILON = 1e-12
NEVER = -1e9  # the logit of what is no letter


def _norm():
    return nn.LayerNorm(WIDTH, eps=EPSILON)


class _Embeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings, self.position_embeddings = nn.Embedding(TOKENS, WIDTH), nn.Embedding(POSITIONS, WIDTH)
        self.token_type_embeddings, self.LayerNorm = nn.Embedding(2, WIDTH), _norm()

    def forward(self, onehot):
        table = self.word_embeddings.weight
        masked = 1 - onehot.sum(-1, keepdim=True)
        letters = onehot @ table[FIRST : FIRST + 20] + masked * table[MASK]
        ends = [table[k].expand(len(onehot), 1, WIDTH) for k in (CLS, SEP)]
        x = torch.cat([ends[0], letters, ends[1]], 1)
        return self.LayerNorm(x + self.position_embeddings.weight[: x.shape[1]] + self.token_type_embeddings.weight[0])


class _Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.self = nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")})
        self.output = nn.ModuleDict({"dense": nn.Linear(WIDTH, WIDTH), "LayerNorm": _norm()})

    def forward(self, x):
        parts = [part(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.self.values()]
        mixed = nn.functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return self.output["LayerNorm"](self.output["dense"](mixed) + x)


class _Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = _Attention()
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, HIDDEN)})
        self.output = nn.ModuleDict({"dense": nn.Linear(HIDDEN, WIDTH), "LayerNorm": _norm()})

    def forward(self, x):
        x = self.attention(x)
        hidden = nn.functional.gelu(self.intermediate["dense"](x))
        return self.output["LayerNorm"](self.output["dense"](hidden) + x)


class AntiBerty(nn.Module):
    """The language model, without its heads for species and chain."""

    def __init__(self):
        super().__init__()
        encoder = nn.ModuleDict({"layer": nn.ModuleList([_Layer() for _ in range(LAYERS)])})
        self.bert = nn.ModuleDict({"embeddings": _Embeddings(), "encoder": encoder})
        transform = nn.ModuleDict({"dense": nn.Linear(WIDTH, WIDTH), "LayerNorm": _norm()})
        predictions = nn.ModuleDict({"transform": transform, "decoder": nn.Linear(WIDTH, TOKENS)})
        self.cls = nn.ModuleDict({"predictions": predictions})

    def forward(self, onehot):
        x = self.bert["embeddings"](onehot)
        for layer in self.bert["encoder"]["layer"]:
            x = layer(x)
        head = self.cls["predictions"]
        x = head["transform"]["LayerNorm"](nn.functional.gelu(head["transform"]["dense"](x)))
        return head["decoder"](x)[:, 1:-1, FIRST : FIRST + 20]


class MaskedAntiBerty(AntiBerty):
    """The same of tokens: (N, n) numbers of letters, 20 hides one; (N, n, 21) logits."""

    def forward(self, tokens):
        logits = super().forward(nn.functional.one_hot(tokens, 21)[..., :20].float())
        return nn.functional.pad(logits, (0, 1), value=NEVER)


def network():
    return AntiBerty()


def masked_network():
    return MaskedAntiBerty()


def unpack(wheel: Path, folder: Path) -> Path:
    """Check the wheel and write the tensors that this network has; return the file."""
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == WHEEL_SHA256, f"{wheel} is not antiberty 0.1.3"
    place = folder / "antiberty.safetensors"
    if not place.is_file():
        from safetensors.torch import save_file

        with zipfile.ZipFile(wheel) as packed, packed.open(WEIGHTS) as file:
            tensors = torch.load(file, map_location="cpu", weights_only=True)
        save_file({name: tensors[name].clone() for name in AntiBerty().state_dict()}, place)
    return place
