"""Dictionaries: what a module gives, written as a sparse sum of latents.

A latent reads a layer through a column of `W_enc` and writes through rows of `W_dec`: of the same layer (sparse
autoencoders, which read what they write; transcoders, which read what a module takes and write what it gives), or of
that layer and all later ones (cross-layer transcoders, Ameisen et al. 2025):
z_l = act(W_enc_l' x_l + b_enc_l), y_m = b_dec_m + sum over l of z_l W_dec_(l to m). `act` keeps the k largest positive
numbers (TopK, Gao et al. 2024), those above a threshold (BatchTopK, Bussmann et al. 2024), or all positive ones.

Weights are in the units of the activations: the mean and the scale by which training standardises are folded in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..settings.errors import InputError
from ..storage.files import atomic_path, write_json
from .hooked_network import HookedNetwork
from .sites import Site

if TYPE_CHECKING:
    import torch

Kind = Literal["sae", "transcoder", "cross_layer"]
Activation = Literal["topk", "relu", "threshold"]


@dataclass(frozen=True)
class Dictionary:
    """Latents of one or several layers.

    Attributes:
        kind: what they read and write.
        activation, k: how they are kept sparse; `k` is the latents a position of a layer that may be active (on
            average, for thresholds), 0 where nothing says.
        reads, writes: the sites of each layer.
        w_enc: by layer (width read, F) float32.
        b_enc: by layer (F,).
        w_dec: by layer, by layer written from that one on, (F, width written).
        b_dec: by layer (width written,).
        thresholds: by layer (F,), for the activation `threshold`.
        settings: what they were trained with, and on.
    """

    kind: Kind
    activation: Activation
    k: int
    reads: tuple[Site, ...]
    writes: tuple[Site, ...]
    w_enc: "tuple[torch.Tensor, ...]"
    b_enc: "tuple[torch.Tensor, ...]"
    w_dec: "tuple[tuple[torch.Tensor, ...], ...]"
    b_dec: "tuple[torch.Tensor, ...]"
    thresholds: "tuple[torch.Tensor, ...]"
    settings: Mapping[str, Any]

    @property
    def layers(self) -> int:
        """The number of layers."""
        return len(self.reads)

    @property
    def latents(self) -> int:
        """The number F of latents of a layer."""
        return self.w_enc[0].shape[1]

    def names(self) -> list[str]:
        """The name of every latent: its number, after its layer's where there are several, as in `1.17`."""
        if self.layers == 1:
            return [str(k) for k in range(self.latents)]
        return [f"{layer}.{k}" for layer in range(self.layers) for k in range(self.latents)]

    def locate(self, name: str) -> tuple[int, int]:
        """Return the layer and the number of a latent.

        Raises:
            InputError: there is no such latent.
        """
        layer, _, number = str(name).rpartition(".")
        if number.isdecimal() and (layer or "0").isdecimal() and (bool(layer) == (self.layers > 1)):
            place = int(layer or 0), int(number)
            if place[0] < self.layers and place[1] < self.latents:
                return place
        first = "0." if self.layers > 1 else ""
        last = f"{self.layers - 1}.{self.latents - 1}" if self.layers > 1 else str(self.latents - 1)
        raise InputError(f"The dictionary has no latent {name!r}; they are {first}0 to {last}.")

    def pre(self, layer: int, x: "torch.Tensor") -> "torch.Tensor":
        """Return (..., F) what latents are before the activation, of (..., width) vectors."""
        return x @ self.w_enc[layer] + self.b_enc[layer]

    def encode(self, layer: int, x: "torch.Tensor") -> "torch.Tensor":
        """Return the (..., F) latents of (..., width) vectors of what the layer reads."""
        pre = self.pre(layer, x)
        if self.activation == "topk":
            return keep_largest(pre, self.k)
        positive = pre.clamp(min=0)
        return positive * (pre > self.thresholds[layer]) if self.activation == "threshold" else positive

    def decode(self, latents: "Sequence[torch.Tensor]", layer: int) -> "torch.Tensor":
        """Return the (..., width) vectors that a layer writes.

        Args:
            latents: by layer (..., F), of the layers up to this one.
            layer: the one that is written.
        """
        if self.kind != "cross_layer":
            return self.b_dec[layer] + latents[layer] @ self.w_dec[layer][0]
        parts = [latents[source] @ self.w_dec[source][layer - source] for source in range(layer + 1)]
        return self.b_dec[layer] + sum(parts[1:], parts[0])

    def directions(self, layer: int) -> "torch.Tensor":
        """Return the (F, all widths written) vectors that latents write, one after another."""
        import torch

        return torch.cat(list(self.w_dec[layer]), 1)

    def check_network(self, network: HookedNetwork) -> None:
        """Refuse a dictionary of another model.

        Raises:
            InputError: a module is missing, or has another width.
        """
        for site in (*self.reads, *self.writes):
            special = (site.first, site.last)
            present = network.site(site.module, site.end, special)
            if present.width != site.width:
                raise InputError(
                    f"The dictionary is of {site.width} numbers for {site.key}, and that module of {network.name} has "
                    f"{present.width}; it is of another model."
                )

    def to(self, device: "torch.device | str") -> "Dictionary":
        """Return the dictionary with its tensors on a device."""

        def moved(tensors: "tuple[torch.Tensor, ...]") -> "tuple[torch.Tensor, ...]":
            return tuple(tensor.to(device) for tensor in tensors)

        return replace(
            self,
            w_enc=moved(self.w_enc),
            b_enc=moved(self.b_enc),
            w_dec=tuple(map(moved, self.w_dec)),
            b_dec=moved(self.b_dec),
            thresholds=moved(self.thresholds),
        )

    @classmethod
    def of_network(cls, path: str | Path, network: HookedNetwork) -> "Dictionary":
        """Read a dictionary of a network, onto its device.

        Raises:
            InputError: the file is missing, damaged, no dictionary, or one of another model.
        """
        dictionary = cls.load(path)
        dictionary.check_network(network)
        return dictionary.to(network.device)

    def save(self, path: str | Path) -> None:
        """Write everything into one safetensors file; the same weights give the same bytes."""
        import torch
        from safetensors.torch import save

        tensors = dict[str, torch.Tensor]()
        for layer in range(self.layers):
            tensors |= {f"{layer}.W_enc": self.w_enc[layer], f"{layer}.b_enc": self.b_enc[layer]}
            tensors |= {f"{layer}.W_dec.{j}": w for j, w in enumerate(self.w_dec[layer])}
            tensors[f"{layer}.b_dec"] = self.b_dec[layer]
            if self.thresholds:
                tensors[f"{layer}.threshold"] = self.thresholds[layer]
        record = {
            "kind": self.kind, "activation": self.activation, "k": self.k, "settings": self.settings,
            "reads": [asdict(site) for site in self.reads], "writes": [asdict(site) for site in self.writes],
        }  # fmt: skip
        tensors = {name: tensor.detach().cpu().float().contiguous().clone() for name, tensor in tensors.items()}
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(tensors, {"shapsketch": json.dumps(record, sort_keys=True)}))

    @classmethod
    def load(cls, path: str | Path) -> "Dictionary":
        """Read what `save` has written.

        Raises:
            InputError: the file is missing, damaged, or no dictionary.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as file:
                record = json.loads((file.metadata() or {}).get("shapsketch", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError:
            raise InputError(f"{path} does not exist.") from None
        except SafetensorError as error:
            raise InputError(f"{path} is damaged or no safetensors file ({error}).") from error
        if "reads" not in record:
            raise InputError(f"{path} is no dictionary that this workflow has written.")
        layers = range(len(record["reads"]))
        written = [[w for w in tensors if w.startswith(f"{layer}.W_dec.")] for layer in layers]
        return cls(
            record["kind"], record["activation"], record["k"],
            tuple(Site(**site) for site in record["reads"]), tuple(Site(**site) for site in record["writes"]),
            tuple(tensors[f"{layer}.W_enc"] for layer in layers), tuple(tensors[f"{layer}.b_enc"] for layer in layers),
            tuple(tuple(tensors[f"{layer}.W_dec.{j}"] for j in range(len(written[layer]))) for layer in layers),
            tuple(tensors[f"{layer}.b_dec"] for layer in layers),
            tuple(tensors[f"{layer}.threshold"] for layer in layers if f"{layer}.threshold" in tensors),
            record["settings"],
        )  # fmt: skip

    def export(self, folder: str | Path) -> None:
        """Write the files that others read.

        Autoencoders and transcoders: for each module `sae_weights.safetensors` and `cfg.json` as SAELens names them.
        Cross-layer transcoders: `W_enc_i.safetensors` and `W_dec_i.safetensors` as circuit-tracer does.
        """
        from safetensors.torch import save_file

        folder = Path(folder)
        for layer, (read, write) in enumerate(zip(self.reads, self.writes, strict=True)):
            tensors = {"W_enc": self.w_enc[layer], "b_enc": self.b_enc[layer], "b_dec": self.b_dec[layer]}
            if self.thresholds:
                tensors["threshold"] = self.thresholds[layer]
            if self.kind == "cross_layer":
                import torch

                folder.mkdir(parents=True, exist_ok=True)
                tensors["W_enc"] = tensors["W_enc"].T
                named = {f"{name}_{layer}": t.detach().cpu().float().contiguous() for name, t in tensors.items()}
                save_file(named, folder / f"W_enc_{layer}.safetensors")
                written = torch.stack(list(self.w_dec[layer]), 1).detach().cpu().float().contiguous()
                save_file({f"W_dec_{layer}": written}, folder / f"W_dec_{layer}.safetensors")
                continue
            place = folder / write.module
            place.mkdir(parents=True, exist_ok=True)
            tensors["W_dec"] = self.w_dec[layer][0]
            if self.kind == "sae":  # SAELens subtracts the decoder's bias first
                tensors["b_enc"] = tensors["b_enc"] + tensors["b_dec"] @ tensors["W_enc"]
            plain = {name: t.detach().cpu().float().contiguous() for name, t in sorted(tensors.items())}
            save_file(plain, place / "sae_weights.safetensors")
            write_json(place / "cfg.json", self._saelens(read, write))

    def _saelens(self, read: Site, write: Site) -> dict[str, Any]:
        """The config of one layer in SAELens' words.

        It has no transcoder with TopK. One that reads and writes vectors of one width computes what its `topk` without
        the decoder's bias in the input does; others get a name that SAELens refuses, rather than one that it misreads.
        """
        architecture = {"topk": "topk", "relu": "standard", "threshold": "jumprelu"}[self.activation]
        if self.kind == "transcoder":
            topk = "topk" if read.width == write.width else "topk_transcoder"
            architecture = {"topk": topk, "relu": "transcoder", "threshold": "jumprelu_transcoder"}[self.activation]
        metadata = {"hook_name": write.module}
        config = {
            "architecture": architecture, "d_in": read.width, "d_sae": self.latents, "dtype": "float32",
            "device": "cpu", "apply_b_dec_to_input": self.kind == "sae", "normalize_activations": "none",
            "reshape_activations": "none", "metadata": metadata,
        }  # fmt: skip
        if self.activation == "topk":
            config |= {"k": self.k, "rescale_acts_by_decoder_norm": False}
        if self.kind == "transcoder":
            config |= {"d_out": write.width}
            metadata |= {"hook_name": f"{read.module} (input)", "hook_name_out": write.module}
        return config


def keep_largest(pre: "torch.Tensor", k: int) -> "torch.Tensor":
    """Return (..., F) numbers of which the k largest stay, if positive, and all others are zero."""
    import torch

    largest = pre.topk(min(k, pre.shape[-1]), -1)
    return torch.zeros_like(pre).scatter(-1, largest.indices, largest.values.clamp(min=0))


def as_numpy(tensor: "torch.Tensor") -> np.ndarray:
    """Return a tensor as a (...) float64 array."""
    return tensor.detach().double().cpu().numpy()
