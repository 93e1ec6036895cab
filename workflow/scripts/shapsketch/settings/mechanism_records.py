"""The records of `mechanism` in the config; see `records`."""

from typing import Literal, NotRequired, TypedDict


class DrawnConfig(TypedDict):
    """`mechanism.NAME.sequences` that are draws of the background: how many."""

    background: int


class DictionaryConfig(TypedDict):
    """`mechanism.NAME.dictionary`."""

    kind: Literal["sae", "transcoder", "cross_layer"]
    variant: Literal["topk", "relu", "batch_topk", "matryoshka"]
    latents: int
    k: int
    l1: float
    steps: int
    batch: int
    rate: Literal["auto"] | float
    dead_after: int
    seeds: int
    max_vectors: int
    cluster_identity: float
    device: str


class LatentsConfig(TypedDict):
    """`mechanism.NAME.latents`."""

    sequences: int
    effects: int
    window: int
    top: int


class SteerConfig(TypedDict):
    """`mechanism.NAME.steer`."""

    sequences: int
    latents: int
    doses: list[float]


class CircuitConfig(TypedDict):
    """`mechanism.NAME.circuit`."""

    outputs: NotRequired[list[str]]
    sequences: int
    graphs: int
    players: int
    explained: int


class DesignConfig(TypedDict):
    """`mechanism.NAME.design`."""

    path: str
    label: str
    wild_type: str
    scorer: str
    labels: int
    mutations: int
    designs: int
    draws: int
    latents: int
    strengths: list[float]


class ProbeConfig(TypedDict):
    """An entry of `mechanism.NAME.probe`."""

    path: str
    label: str
    model: Literal["auto", "ridge", "logistic"]
    labels: list[int]
    draws: int


class LabelsConfig(TypedDict):
    """`mechanism.NAME.concepts` that are read from a file."""

    path: str


class MechanismConfig(TypedDict):
    """An entry of `mechanism`."""

    model: str
    sequences: str | DrawnConfig
    modules: list[str]
    special_tokens: list[int]
    pool: Literal["none", "mean", "max"]
    dtype: Literal["float16", "float32"]
    shards: int
    seed: int
    dictionary: DictionaryConfig
    latents: LatentsConfig
    steer: NotRequired[SteerConfig]
    circuit: NotRequired[CircuitConfig]
    probe: dict[str, ProbeConfig]
    design: NotRequired[DesignConfig]
    concepts: dict[str, str | LabelsConfig]
