"""A masked language model whose features are known: one for each letter of DNA, read by its head.

Ten letters; token 4 hides one. The module `features` writes a direction for the letter at each position; the head gives
each letter the logit of its direction in the mean over all positions: what is hidden is guessed from the composition.
Pushing the direction of a letter at all positions makes that letter likelier everywhere.
"""

import torch
from torch import nn

N, WIDTH, GAIN = 10, 8, 3.0


class Features(nn.Module):
    """Writes the direction of the letter that it reads."""

    def __init__(self):
        super().__init__()
        self.read = nn.Linear(WIDTH, 4, bias=False)
        self.write = nn.Linear(4, WIDTH, bias=False)

    def forward(self, x):
        return self.write(torch.relu(self.read(x)))


class Masked(nn.Module):
    """(N, 10) tokens in, (N, 10, 5) logits out."""

    def __init__(self):
        super().__init__()
        directions = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(5)))[0]
        self.register_buffer("embed", torch.cat([directions[:4], torch.zeros(1, WIDTH)]))
        self.features = Features()
        with torch.no_grad():
            self.features.read.weight.copy_(directions[:4])
            self.features.write.weight.copy_(directions[4:].T)
        self.register_buffer("head", torch.cat([GAIN * directions[4:], torch.zeros(1, WIDTH)]))

    def forward(self, tokens):
        x = self.embed[tokens]
        x = x + self.features(x)
        return (x.mean(1, keepdim=True) @ self.head.T).expand(-1, tokens.shape[1], -1)


def network():
    return Masked().eval()


def exact_dictionary(network):
    """The dictionary whose latents are the four letters, and four that write nothing of use."""
    from shapsketch.models.dictionary import Dictionary

    features = network.module.features
    site = network.site("features", "out")
    w = torch.cat([features.write.weight, -features.write.weight], 1)  # a latent and its opposite
    return Dictionary("sae", "threshold", 1, (site,), (site,), (w,), (torch.zeros(8),), ((w.T.contiguous(),),),
                      (torch.zeros(WIDTH),), (torch.full((8,), 1e-3),), {})  # fmt: skip
