"""How a budget is divided into rounds: each doubles all that was spent before it.

The rounds are where a learning curve has its points and where a stop rule looks. Runs in Snakemake's own
process too, so it imports nothing heavy.
"""

from .records import StopRule

CURVE_ROUNDS = 4  # of a budget that is spent in any case
STOPPING_ROUNDS = 8  # of one that may not be
MIN_ROUND = 1000  # evaluations; fewer say little


def round_ends(budget: int, stopping: bool) -> list[int]:
    """Return the evaluations that are made by the end of each round, ascending; the last are the budget."""
    ends = [budget]
    while len(ends) < (STOPPING_ROUNDS if stopping else CURVE_ROUNDS) and ends[-1] // 2 >= MIN_ROUND:
        ends.append(ends[-1] // 2)
    return ends[::-1]


def stop_rule(budget: int | StopRule) -> tuple[int, float | None]:
    """Read `sketch.budget` of the config: the most evaluations, and the R2 that ends them, if one does."""
    if isinstance(budget, int):
        return budget, None
    return budget["max"], budget["until_r2"]


def sampling_rounds(budget: int | StopRule) -> int:
    """Return the number of rounds that are sampled one after another: 1 without a stop rule."""
    most, until_r2 = stop_rule(budget)
    return 1 if until_r2 is None else len(round_ends(most, stopping=True))
