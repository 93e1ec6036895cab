"""The config as records: what `check_config` returns, with all defaults filled in.

`workflow/schemas/config.schema.yaml` says which values are right and what the defaults are, `config/README.md` what
each key means; a test compares the keys here with the schema's. A model's `source` stays a mapping, since each kind of
model reads keys of its own.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from .mechanism_records import MechanismConfig

Source = Mapping[str, Any]


class StopRule(TypedDict):
    """`sketch.budget` of a sketch that may stop early."""

    max: int
    until_r2: float


class NearConfig(TypedDict):
    """`sketch.near`."""

    sequences: str | list[str]
    share: float


class SketchConfig(TypedDict):
    """`sketch` of a model."""

    budget: int | StopRule
    design: Literal["auto", "random", "fourier", "exhaustive"]
    seed: int
    batch_size: int
    near: NotRequired[NearConfig]
    shards: int | Literal["auto"]


class RecoveryConfig(TypedDict):
    """`recovery` of a model."""

    learning_curve: bool
    estimator: str
    max_order: int | Literal["auto"]
    minutes: float | None


class CountedBackground(TypedDict):
    """`background.from_sequences`."""

    queries: str
    pseudocount: float


class MutatedBackground(TypedDict):
    """`background.mutate`."""

    around: str
    rate: float


class MarkovBackground(TypedDict):
    """`background.markov`: counted from sequences, or given."""

    order: int
    from_sequences: NotRequired[str]
    pseudocount: float
    initial: NotRequired[dict[str, float]]
    transitions: NotRequired[dict[str, dict[str, float]]]


class DrawsBackground(TypedDict):
    """`background.draws`: sequences of a file."""

    path: str
    cut: Literal["centre", "start", "end", "anywhere"]
    gc: NotRequired[float]


class ShuffleBackground(TypedDict):
    """`background.shuffle`: of the explained sequence."""

    keep: Literal["pairs", "letters"]


class BackgroundConfig(TypedDict, total=False):
    """`background` of a model: one of these."""

    frequencies: dict[str, float]
    from_sequences: CountedBackground
    mutate: MutatedBackground
    markov: MarkovBackground
    draws: DrawsBackground
    shuffle: ShuffleBackground


class ModelConfig(TypedDict):
    """A model of `models`; `outputs` are names, or what each name stands for."""

    source: Source
    alphabet: str
    template: str
    outputs: list[str] | dict[str, dict[str, Any]]
    background: str | BackgroundConfig
    sketch: SketchConfig
    recovery: RecoveryConfig


class SequencesConfig(TypedDict):
    """A set of `sequences`."""

    path: str
    ambiguous: Literal["error", "drop", "resolve"]
    mismatch: Literal["error", "drop"]
    group: str
    genome: NotRequired[str]
    width: NotRequired[int]
    anchor: Literal["auto", "centre", "start", "summit"]
    strand: Literal["file", "+", "-"]
    feature: str


class HaplotypesConfig(TypedDict):
    """`haplotypes` of a set of variants."""

    enabled: bool
    samples: list[str]
    max_exact: int
    budget: int


class AlignmentConfig(TypedDict):
    """`alignment` of a set of variants."""

    path: str
    name: str
    pseudocount: float


class VariantsConfig(TypedDict):
    """A set of `variants`."""

    path: str
    genome: NotRequired[str]
    sequence: str
    first: int
    model: str
    beside: list[str]
    strand: Literal["+", "-"]
    fill: Literal["right", "left"]
    ambiguous: Literal["drop", "error"]
    label: str
    score: str
    positive: str
    negative: list[str]
    predictors: list[str]
    lower: list[str]
    alignment: NotRequired[AlignmentConfig]
    conservation: NotRequired[str]
    null_changes: int
    sketch: Literal["auto"] | bool
    haplotypes: HaplotypesConfig
    shards: int


class RefineConfig(TypedDict, total=False):
    """`explain.refine`: at least one of these."""

    evaluations_per_sequence: int
    standard_error: float


class PlayersConfig(TypedDict, total=False):
    """`explain.masks.players`: segments, by their width or [first, last] of each; or the [first, last] of a window."""

    segments: int | list[list[int]]
    window: list[int]


class MasksConfig(TypedDict):
    """`explain.masks`."""

    players: Literal["positions"] | PlayersConfig
    budget: int
    draws: int
    estimator: Literal["auto", "dividends", "exact", "fourier", "regression", "student", "trees"]
    max_order: int


class ExplainConfig(TypedDict):
    """`explain`."""

    indices: list[str]
    min_order: int
    max_order: int
    top_k: int | Literal["all"]
    threshold: float
    refine: Literal[False] | RefineConfig
    mode: Literal["sketch", "masks"]
    masks: MasksConfig
    predict: bool
    hypothetical: bool
    mutations: bool
    shards: int


class CompareConfig(TypedDict):
    """`compare`."""

    enabled: bool
    methods: list[str]
    sequences: int
    evaluations: list[int]
    curve_draws: int
    truth_error: float
    truth_evaluations: int


class MotifsConfig(TypedDict):
    """`motifs`."""

    count: int
    min_instances: int
    min_share: float
    extremes: float
    bootstrap: int
    seqlets: Literal["auto"] | bool
    clusters: Literal["auto", False] | int
    reverse_complement: bool
    database: NotRequired[str]
    colors: Literal["colorblind", "classic"]


class ConditionsConfig(TypedDict):
    """One of `conditions`; `outputs` are written `MODEL/OUTPUT`."""

    sequences: str
    outputs: list[str]


class Config(TypedDict):
    """All of the config."""

    models: dict[str, ModelConfig]
    sequences: dict[str, SequencesConfig]
    variants: dict[str, VariantsConfig]
    offline: bool
    pytorch: Literal["cpu", "cuda"]
    analyses: Literal["all", "none"] | list[list[str]]
    conditions: dict[str, ConditionsConfig]
    explain: ExplainConfig
    compare: CompareConfig
    motifs: MotifsConfig
    mechanism: dict[str, MechanismConfig]


class ListingConfig(TypedDict):
    """Which interactions are listed: of `explain`, with `top_k` None for all."""

    indices: list[str]
    min_order: int
    max_order: int
    top_k: int | None
    threshold: float
