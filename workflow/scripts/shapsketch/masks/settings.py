"""How sequences are masked, as the config says it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..settings.records import MasksConfig, PlayersConfig
from .plan import Estimator


@dataclass(frozen=True)
class MaskSettings:
    """How sequences are masked.

    Attributes:
        segments, window: as `Players.build` takes them.
        budget: evaluations per sequence, one more for the prediction.
        estimator, max_order: as `fit_values` takes them.
        draws: backgrounds that each value is averaged over.
        seed: of the masks and of the backgrounds.
    """

    segments: int | Sequence[Sequence[int]] | None = None
    window: Sequence[int] | None = None
    budget: int = 5000
    estimator: Estimator = "auto"
    max_order: int = 5
    draws: int = 1
    seed: int = 0

    @classmethod
    def from_config(cls, masks: MasksConfig, seed: int) -> "MaskSettings":
        """Read `explain.masks` of the config."""
        players = masks["players"]
        named = PlayersConfig() if players == "positions" else players
        segments, window = named.get("segments"), named.get("window")
        return cls(segments, window, masks["budget"], masks["estimator"], masks["max_order"], masks["draws"], seed)
