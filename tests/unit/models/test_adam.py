"""Steps are those of PyTorch's classes."""

import pytest
import torch

from shapsketch.models.adam import Adam


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_those_of_pytorch_to_the_bit(decay):
    draws = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=draws) for shape in ((5, 3), (7,), (2,))]
    ours, theirs = ([t.clone().requires_grad_(True) for t in start] for _ in range(2))
    kind = torch.optim.AdamW if decay else torch.optim.Adam
    adam, reference = Adam(ours, decay), kind(theirs, weight_decay=decay, fused=True)
    for step in range(20):
        rate = 0.1 / (step + 1)
        gradients = [torch.randn(t.shape, generator=draws) for t in start]
        for tensors in (ours, theirs):
            for tensor, gradient in zip(tensors, gradients, strict=True):
                tensor.grad = gradient.clone()
            tensors[2].grad = None  # has none
        reference.param_groups[0]["lr"] = rate
        reference.step()
        adam.step(rate)
        assert all(t.grad is None for t in ours)
    for one, other, before in zip(ours, theirs, start, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one, before) == (before is start[2])
