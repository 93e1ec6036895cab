"""What each letter contributes, and would contribute, according to the students: within segments, and for TF-MoDISco.

The Shapley value of a position is its mean effect over masks of uniform size; to first order in one letter, that effect
is the gradient of a student there, which one pass gives for all positions and letters at once:

    h_i(a) = E [ d_i(a) - sum_b p_i(b) d_i(b) ],

d_i the derivative with respect to letters at position i, averaged over masks of uniform size and draws of what is
absent (expected gradients; Erion et al., Nature Machine Intelligence 3, 620 (2021), over masks in place of straight
paths), p the background. The letters of a player share what its value, which the model itself has corrected, has beyond
that.
"""

import numpy as np
import torch

from ..recovery.networks import device, encode
from ..sequences.background import Background
from ..sequences.rng import LETTER_STREAM, MASK_STUDENT_STREAM, random_words
from ..sequences.template import Template
from .game import Players, SequenceGame
from .student import FOLDS, Students

POINTS = 128  # masks and backgrounds of a sequence that gradients are averaged over
POINTS_AT_ONCE = 32
MIN_STUDENT_R2 = 0.5  # on masks that choose between fits: students that say less are not asked about letters


def student_letters(students: Students, game: SequenceGame, outputs: int | None = None) -> np.ndarray:
    """Return what the students say that each letter would contribute, its mean over the background taken off.

    Args:
        students: the students.
        game: of the sequence.
        outputs: the first so many are wanted; None for all.

    Returns:
        (outputs, n, letters) float64 by local code; zero where a letter is not allowed.
    """
    torch.set_num_threads(1)
    m, seed = game.players.count, game.plan.plan.seed
    words = random_words(seed, LETTER_STREAM, 0, POINTS, m + 1)
    points = game.compose(
        (words[:, 1:] < words[:, :1]).astype(np.uint8), game.key(MASK_STUDENT_STREAM + 2), np.arange(POINTS)
    )
    features = torch.from_numpy(students.features)
    total = np.zeros((len(students.means[:outputs]), *students.features.shape[::2]))
    for number, start in enumerate(range(0, POINTS, POINTS_AT_ONCE)):
        x = encode(points[start : start + POINTS_AT_ONCE], features).to(device()).requires_grad_()
        values = students.networks[number % FOLDS](x)
        for k in range(len(total)):
            (slope,) = torch.autograd.grad(values[:, k].sum(), x, retain_graph=k < len(total) - 1)
            total[k] += slope.sum(0).cpu().numpy()
    slopes = np.einsum("knw,nlw->knl", total / POINTS * students.scales[:outputs, None, None], students.features)
    chances = letter_chances(game, slopes.shape[2])
    allowed = np.arange(slopes.shape[2]) < game.background.template.sizes[:, None]
    return np.where(allowed, slopes - (slopes * chances).sum(2, keepdims=True), 0.0)


def letter_chances(game: SequenceGame, letters: int) -> np.ndarray:
    """(n, letters) float64: how likely each local code is at each position of the background."""
    if not isinstance(game.background, Background):
        drawn = game.background.draw(game.key(MASK_STUDENT_STREAM + 2), np.arange(POINTS))
        return (drawn[:, :, None] == np.arange(letters)).mean(0)
    return np.array([np.pad(p, (0, letters - len(p))) for p in game.background.local])


def within_players(letters: np.ndarray, players: Players, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Move the contributions of a sequence's own letters so that those of each player add up to its value.

    Args:
        letters: (n, letters) of `student_letters`.
        players: who they are.
        codes: (n,) local codes of the sequence.
        values: (m,) Shapley values of the players.

    Returns:
        (n, letters); zero at positions that always stay.
    """
    free = players.owners >= 0
    moved, places = np.where(free[:, None], letters, 0.0), np.arange(len(codes))
    at_letters = moved[places, codes]
    sums = np.bincount(players.owners[free], at_letters[free], minlength=players.count)
    moved[places, codes] = at_letters + players.spread(values - sums)
    return moved


def by_letter(template: Template, local: np.ndarray) -> np.ndarray:
    """Return (q, n) float32 by the alphabet's code, from (n, letters) by local code; zero where one is not allowed."""
    table = np.zeros((template.alphabet.q, template.n), np.float32)
    place, letter = np.nonzero(np.arange(local.shape[1]) < template.sizes[:, None])
    table[template.letter_codes[place, letter], place] = local[place, letter]
    return table
