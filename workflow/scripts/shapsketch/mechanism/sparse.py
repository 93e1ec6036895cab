"""Few active latents among many, without multiplying by zeros: TopK dictionaries that train in minutes on CPUs.

A vector has k active latents of F. Decoding sums k rows of W_dec, and gradients touch only what was active; dense
products would take F / k times as many operations. Numbers are the same as of the dense products, up to rounding.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def outer(values: "torch.Tensor", places: "torch.Tensor", vectors: "torch.Tensor", latents: int) -> "torch.Tensor":
    """Return (F, width) the sum over vectors of the outer product of their latents and another vector.

    Args:
        values: (N, k) the active latents.
        places: (N, k) int64, which of the F they are.
        vectors: (N, width).
        latents: F.
    """
    import warnings

    import torch

    flat = places.flatten()
    order = torch.argsort(flat, stable=True)
    starts = torch.zeros(latents + 1, dtype=torch.int64)
    starts[1:] = torch.bincount(flat, minlength=latents).cumsum(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        sums = torch.sparse_csr_tensor(
            starts, order // places.shape[1], values.flatten()[order], (latents, len(vectors)), check_invariants=False
        )
        return sums @ vectors


def encode(
    x: "torch.Tensor", w_enc: "torch.Tensor", b_enc: "torch.Tensor", k: int
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return the k largest latents of vectors, which are differentiable by the weights, not by the vectors.

    Args:
        x: (N, width) vectors.
        w_enc: (width, F).
        b_enc: (F,).
        k: latents that stay.

    Returns:
        (N, k) values, zero where negative, and (N, k) int64 places.
    """
    import torch

    class Encode(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, w: "torch.Tensor", b: "torch.Tensor") -> Any:
            values, places = torch.addmm(b, x, w).topk(k, 1, sorted=False)
            ctx.mark_non_differentiable(places)
            ctx.save_for_backward(places, values > 0)
            return values.clamp(min=0), places

        @staticmethod
        def backward(ctx: Any, *gradients: "torch.Tensor") -> Any:
            places, positive = ctx.saved_tensors
            gradient = gradients[0] * positive
            by_bias = torch.zeros(len(b_enc)).index_add_(0, places.flatten(), gradient.flatten())
            return outer(gradient, places, x, len(b_enc)).T, by_bias

    return Encode.apply(w_enc, b_enc)  # type: ignore[no-untyped-call]


def decode(values: "torch.Tensor", places: "torch.Tensor", w_dec: "torch.Tensor") -> "torch.Tensor":
    """Return (N, width) the sums of (N, k) latents times their rows of (F, width) `w_dec`; differentiable by both."""
    import torch

    def add_up(numbers: "torch.Tensor") -> "torch.Tensor":
        return torch.nn.functional.embedding_bag(places, w_dec.detach(), per_sample_weights=numbers, mode="sum")

    class Decode(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, numbers: "torch.Tensor", w: "torch.Tensor") -> Any:
            return add_up(numbers)

        @staticmethod
        def backward(ctx: Any, *gradients: "torch.Tensor") -> Any:
            with torch.enable_grad():
                numbers = values.detach().requires_grad_()
                by_values = torch.autograd.grad(add_up(numbers), numbers, gradients[0])[0]
            return by_values, outer(values.detach(), places, gradients[0], len(w_dec))

    return Decode.apply(values, w_dec)  # type: ignore[no-untyped-call]
