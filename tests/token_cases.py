"""Networks that read tokens."""

import numpy as np

from oracles import all_codes
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "NNNNN")

CODES = all_codes((4,) * 5)[::31]

VOCABULARY = ["<cls>", "<pad>", "<eos>", "G", "A", "T", "C", "<mask>", "N"]

TOKENS = {"vocabulary": VOCABULARY, "before": ["<cls>"], "after": [2], "length": 9, "padding": "<pad>"}

TABLE = np.random.default_rng(0).normal(size=(9, 9)).astype(np.float32)  # by place and token

NETWORKS = """
import torch
class Places(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(torch.zeros(9, 9))
    def forward(self, tokens, attention_mask=None, scale=None):
        values = self.table[torch.arange(tokens.shape[1]), tokens]
        if attention_mask is not None:
            values = values * attention_mask
        return values.sum(1) * (1 if scale is None else scale[:, 1])
class Language(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.embed, self.mix = torch.nn.Embedding(9, 8), torch.nn.Linear(7 * 8, 7 * 9)
    def forward(self, input_ids):
        hidden = self.embed(input_ids)
        logits = self.mix(torch.tanh(hidden).flatten(1)).reshape(-1, 7, 9)
        return {"logits": logits, "hidden": hidden}
class Flat(torch.nn.Module):
    def forward(self, x):
        return x.flatten(1) @ torch.arange(20, dtype=x.dtype)
class Half(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        layers = [torch.nn.Conv1d(4, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(24, 1)]
        self.layers = torch.nn.Sequential(*layers)
    def forward(self, x):
        assert x.dtype == self.layers[0].weight.dtype
        return self.layers(x)
"""


def network(folder, name, **keys):
    (folder / "net.py").write_text(NETWORKS)
    return {"kind": "torch", "factory": f"{folder}/net.py:{name}", **keys}


def places(folder, **tokens):
    np.savez(folder / "w.npz", table=TABLE)
    return network(folder, "Places", path=f"{folder}/w.npz", input="tokens", tokens=TOKENS | tokens)
