"""What the splits of trees ask for: columns that stand for a position, or for a letter at a position."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..settings.errors import InputError
from .ensemble import Tree

Decision = Callable[[np.ndarray], np.ndarray]  # (q,) values of a feature -> (q,) whether to go left


@dataclass(frozen=True)
class StoredTrees:
    """What a file of trees holds.

    Attributes:
        trees: T trees.
        outputs: (T,) the number of the output of this file that each adds to.
        base: (outputs,) float64, added to every prediction, before any link function.
    """

    trees: list[Tree]
    outputs: list[int]
    base: np.ndarray


@dataclass(frozen=True)
class Features:
    """What the columns of a tree model are: one for each position, or for each position and letter.

    Attributes:
        layout: `flat`, `channels_first` or `codes`; see `trees_model`.
        n: the number of positions.
        letters: of the alphabet, in order.
        zeros: whether a zero is a `value` or `missing`; None where the config does not say.
    """

    layout: str
    n: int
    letters: str
    zeros: str | None

    @property
    def q(self) -> int:
        """The number of letters."""
        return len(self.letters)

    @property
    def columns(self) -> int:
        """The number of columns."""
        return self.n if self.layout == "codes" else self.n * self.q

    def column(self, feature: int) -> tuple[int, np.ndarray]:
        """Return the position that a column asks for, and its (q,) float64 value for each letter there.

        Raises:
            InputError: there is no such column.
        """
        if not 0 <= feature < self.columns:
            raise InputError(f"a split asks for the feature {feature} of {self.columns}")
        if self.layout == "codes":
            return feature, np.arange(self.q, dtype=np.float64)
        position, letter = divmod(feature, self.q) if self.layout == "flat" else divmod(feature, self.n)[::-1]
        return position, (np.arange(self.q) == letter).astype(np.float64)

    def check_count(self, count: int) -> None:
        """Refuse a model with another number of columns.

        Raises:
            InputError: it has `count`.
        """
        if count != self.columns:
            raise InputError(
                f"it has {count} features, and {self.n} positions of {self.q} letters in the layout "
                f"{self.layout} are {self.columns}"
            )

    def check_categories(self, columns: Sequence[Sequence[object] | None] | None) -> None:
        """Refuse categories of a data frame that are not numbered as the letters of the alphabet are.

        Args:
            columns: the categories of each column in the order of their numbers, or None of one that has none.

        Raises:
            InputError: those of a column are in another order, or others.
        """
        for number, names in enumerate(columns or [], 1):
            if names and list(names) not in (list(self.letters), list(range(self.q))):
                raise InputError(
                    f"the categories of its column {number} are {', '.join(map(str, names))}, in this order, and the "
                    f"alphabet is {self.letters}; give the alphabet as the model knows it"
                )

    def build(self, split: Sequence[int], decisions: Sequence[Decision], *arrays: np.ndarray) -> Tree:
        """Return a tree.

        Args:
            split: (M,) the column that each node asks for; -1 of a leaf.
            decisions: (M,) of each node; those of leaves are not asked.
            arrays: `left`, `right` and `values` of the tree.

        Raises:
            InputError: a node asks for a column that there is not.
        """
        positions, goes_left = np.full(len(split), -1, np.int64), np.zeros((len(split), self.q), bool)
        for node, feature in enumerate(split):
            if feature >= 0:
                positions[node], values = self.column(feature)
                goes_left[node] = decisions[node](values)
        return Tree(positions, goes_left, *arrays)


def below(threshold: np.float32) -> Decision:
    """Return the decision of XGBoost's splits of numbers: left below the threshold, in single precision."""
    return lambda values: values.astype(np.float32) < threshold


def or_default(decide: Decision, default_left: bool) -> Decision:
    """Return a decision for which zeros are missing values, which go where the node sends those."""
    return lambda values: np.where(values == 0, default_left, decide(values))
