"""TopK without the zeros: the numbers and the gradients of dense products."""

import torch

from shapsketch.mechanism import sparse
from shapsketch.models.dictionary import keep_largest


def test_values_and_gradients_are_those_of_dense_products():
    draws = torch.Generator().manual_seed(0)
    shapes = [(200, 12), (12, 30), (30,), (30, 7), (200, 7)]
    x, w_enc, b_enc, w_dec, y = (torch.randn(shape, generator=draws, dtype=torch.float32) for shape in shapes)
    weights = [w.requires_grad_(True) for w in (w_enc, b_enc, w_dec)]
    dense = keep_largest(torch.addmm(b_enc, x, w_enc), 4)
    values, places = sparse.encode(x, w_enc, b_enc, 4)
    assert torch.equal(torch.zeros_like(dense).scatter(1, places, values), dense)
    made = sparse.decode(values, places, w_dec)
    assert torch.allclose(made, dense @ w_dec, atol=1e-5)
    wanted = torch.autograd.grad((y - dense @ w_dec).square().mean(), weights)
    gradients = torch.autograd.grad((y - made).square().mean(), weights)
    for one, other in zip(gradients, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
        assert other.abs().max() > 1e-3


def test_negative_latents_are_silent_and_have_no_gradient():
    w_enc = torch.tensor([[1.0, -1.0, 2.0]], requires_grad=True)
    values, _ = sparse.encode(torch.tensor([[-1.0]]), w_enc, torch.zeros(3), 3)
    assert sorted(values[0].tolist()) == [0, 0, 1]
    assert torch.autograd.grad(values.sum(), w_enc)[0].tolist() == [[0, -1, 0]]
