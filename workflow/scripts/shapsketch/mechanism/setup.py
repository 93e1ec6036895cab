"""What every script of a mechanism opens first."""

from typing import Any

from ..models import identity
from ..models.hooked_network import HookedNetwork
from ..sequences.alphabet import Alphabet
from ..sequences.template import Template
from ..settings.sources import locate
from .activations import Activations
from .vectors import ALONE, Split


def open_network(params: Any, inputs: Any) -> HookedNetwork:
    """Return the network of a script's `params.model` and `params.source`."""
    model = params.model
    source = locate(params.source, inputs.get("model"))
    template = Template(Alphabet.from_config(model["alphabet"]), model["template"])
    return HookedNetwork(source, template, model["outputs"])


def open_mechanism(params: Any, inputs: Any) -> tuple[HookedNetwork, Split]:
    """Return the network and the activations of it that a script works on.

    Args:
        params: with `model`, `source`, `dictionary`, `drawn` and `seed`.
        inputs: with `model` and `shards`.

    Raises:
        InputError: the activations are of another model.
    """
    kept = Activations(tuple(inputs.shards))
    kept.check_model(identity(params.source, locate(params.source, inputs.get("model"))))
    split = Split(kept, ALONE if params.drawn else params.dictionary["cluster_identity"], params.seed)
    return open_network(params, inputs), split
