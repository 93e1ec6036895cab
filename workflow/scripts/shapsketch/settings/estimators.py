"""The estimators by name: what each needs, when it is tried, and what the methods text says of it.

Each is a module of `recovery`; nothing of that is imported here, so that whoever only names them stays light.
"""

from dataclasses import dataclass
from typing import Literal

# What a sketch must have: the values of all sequences; validation points to choose by; those, and a lattice.
Needs = Literal["all", "validation", "lattice"]

CONSTANT = "constant"  # the name of what remains where nothing was found
EXACT_TREES = "exact trees"  # that of trees' own dividends, without a sketch


@dataclass(frozen=True)
class Estimator:
    """An estimator, or what takes the place of one.

    Attributes:
        words: what the methods text says that dividends came from.
        cites: keys of `workflow/report/bibliography.toml`.
        needs: what a sketch must have for it.
        any_background: whether letters may depend on one another in the background.
        by_itself: whether `auto` tries it.
        fits_near: whether it fits near queries too, or draws of the background alone.
        good_r2: an R2 on the validation points of those before it, above which it is not worth its time.
        max_samples: samples to fit; more would cost hours and teach it little, and the correction that follows reads
            all. None for no limit.
    """

    words: str
    cites: tuple[str, ...] = ()
    needs: Needs = "validation"
    any_background: bool = False
    by_itself: bool = True
    fits_near: bool = True
    good_r2: float = 1.0
    max_samples: int | None = None


# In the order in which they are tried, the cheapest first. A train alone is what `auto` tries where tables explain so
# much that a train behind students would not be worth its time. What it does not try: regression finds the optimum of
# instashap sooner, and trains lose less than students' tables.
ESTIMATORS = {
    "exact": Estimator("an exact transform of all values", needs="all"),
    "fourier": Estimator(
        "a q-ary sparse Fourier transform on a subsampled lattice",
        ("qsft",),
        needs="lattice",
        fits_near=False,
    ),
    "regression": Estimator(
        "sparse ridge regression in the orthonormal basis of the background", good_r2=0.9999, max_samples=200_000
    ),
    "trees": Estimator(
        "gradient-boosted trees, turned into exact dividends", ("lightgbm",), good_r2=0.995, max_samples=1_000_000
    ),
    "train": Estimator(
        "a tensor train, a product of one small matrix for each position, fitted to neural networks that were trained "
        "on the same values and to the values themselves; dividends of every order follow from it in closed form",
        ("trains", "distillation"),
        any_background=True,
        good_r2=0.995,
        max_samples=1_000_000,
    ),
    "student": Estimator(
        "small neural networks distilled on the same values, whose dividends were read off by projection",
        ("distillation",),
        by_itself=False,
        max_samples=1_000_000,
    ),
    "train_alone": Estimator(
        "a tensor train, a product of one small matrix for each position",
        ("trains",),
        any_background=True,
        good_r2=0.9999,
    ),
    "instashap": Estimator(
        "an additive model of tables trained under masks",
        ("instashap",),
        by_itself=False,
        fits_near=False,
        max_samples=50_000,
    ),
}
# What takes the place of an estimator.
OTHERS = {
    CONSTANT: Estimator("the mean of the values alone, as nothing that was fitted predicted separate points better"),
    EXACT_TREES: Estimator("exact expansion of the trees' leaves into dividends"),
}


def described(name: str) -> Estimator:
    """Return the estimator of a name in a record; of one that nobody knows, the name stands for itself."""
    return (ESTIMATORS | OTHERS).get(name) or Estimator(name)
