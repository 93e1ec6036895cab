"""Motifs: what the model answers to, summed over many explained sequences.

Three views. *Letter contributions* are position by position: the mean Shapley value of each letter where it occurs,
over all sequences and over sets of them. *Interaction motifs* are letters at two or more positions, with whatever gap
between them, that together do something their parts do not; found in the spectrum's dividends, wherever in the sequence
they lie. *Seqlet motifs* are stretches of high contributions that look alike, for long sequences.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..settings.seqlets import wants_seqlets
from ..spectrum.interactions import Sums
from ..spectrum.spectrum import Spectrum
from ..spectrum.terms import Support, Terms
from ..spectrum.train_interactions import complete_map, strongest_of_all
from .clusters import CLUSTER_COLUMNS, Clusters, find_clusters, sampled_rows
from .instances import InstanceSums, Sites, core_columns
from .letter_tables import Stack, build_stacks, search_terms
from .motif import Motif
from .positions import pair_table, position_row
from .pwm import MATRIX_COLUMNS, Matrix, information
from .reading import Chunk, Explained
from .search import find_motifs, strongest_support_motif
from .seqlet_motifs import SeqletMotif, cluster_seqlets
from .seqlets import SeqletFinder
from .sums import LetterSums, Shares, VarianceShares, extremes
from .tables import (
    MOTIF_COLUMNS,
    PLACEMENT_COLUMNS,
    concatenated,
    instance_matrix,
    instance_tables,
    motif_row,
    placement_table,
    seqlet_matrix,
    seqlet_placements,
    seqlet_row,
    support_tables,
)

WriteInstances = Callable[[pd.DataFrame, pd.DataFrame], None]
MIN_BITS = 0.4  # information of a motif's letters, on average
MIN_CONSISTENCY = 0.5  # |sum| of the values of a motif's instances, over the sum of their magnitudes
MIN_TOLD = 0.25  # of the strongest support's variance: how much of it the listed motifs must have, or it has its own
SETS = ("all", "top", "bottom")


@dataclass(frozen=True)
class Settings:
    """What is looked for.

    Attributes:
        count: motifs of each kind at most.
        min_instances: sequences that must hold a motif.
        min_share: the least share of what the reconstruction varies about the background's mean.
        extremes: share of the sequences in the sets `top` and `bottom`.
        bootstrap: replicates.
        seqlets: whether motifs of seqlets are looked for; see `wants_seqlets`.
        clusters: how many groups of sequences by their Shapley values: a number, `auto` (what is stable), or False.
        reverse_complement: whether motifs of DNA may lie on either strand.
        seed: of the bootstrap.
    """

    count: int = 12
    min_instances: int = 5
    min_share: float = 0.002
    extremes: float = 0.1
    bootstrap: int = 200
    seqlets: bool | str = "auto"
    clusters: int | str | bool = "auto"
    reverse_complement: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Summary:
    """What the explanations of one output add up to.

    Attributes:
        tables: by file name without ending: `contributions`, `motifs`, `placements`, `motif_matrices`,
            `position_interactions`, `supports`, `support_tables`, `clusters`, `cluster_members`; each has the column
            `output`.
        matrices: of the motifs, in the order of the table.
    """

    tables: dict[str, pd.DataFrame]
    matrices: list[Matrix]


@dataclass(frozen=True)
class _Totals:
    """Sums over all sequences, from which motifs are searched."""

    sequences: int
    variance: float  # of the reconstruction, about the background's mean
    stacks: dict[int, Stack]
    contributions: pd.DataFrame
    pairs: pd.DataFrame
    seqlets: list[SeqletMotif]
    clusters: pd.DataFrame
    members: pd.DataFrame


def summarise(spectrum: Spectrum, explained: Explained, settings: Settings, write: WriteInstances) -> Summary:
    """Sum up the explanations of one output; sequences with ambiguous letters are left out.

    The sequences are read a few times, piece by piece.

    Args:
        spectrum: that explained them.
        explained: the sequences and their Shapley values.
        settings: what is looked for.
        write: takes the instances as rows of `instances.tsv` and of `instances.bed`, piece by piece.
    """
    totals = _add_up(spectrum, explained, settings)
    motifs = find_motifs(
        spectrum,
        totals.stacks,
        sequences=totals.sequences,
        variance=totals.variance,
        count=settings.count,
        min_instances=settings.min_instances,
        min_share=settings.min_share,
        both_strands=settings.reverse_complement,
    )
    alphabet = spectrum.template.alphabet
    complement = alphabet.complement if settings.reverse_complement else None
    strongest = strongest_support_motif(spectrum, totals.stacks) if settings.count else None
    instance_sums = [
        InstanceSums(motif, complement, alphabet.q) for motif in [*motifs, *([strongest] if strongest else [])]
    ]
    singles = spectrum.tables.select(spectrum.tables.orders == 1)
    shares = _measure(spectrum, explained, settings, totals, instance_sums, singles)
    rows, matrices, places, sites = _describe(spectrum, settings, totals, instance_sums, singles, shares)
    for chunk in explained.chunks():
        for matrix, locate in zip(matrices, sites, strict=True):
            write(*instance_tables(spectrum.output, matrix.motif, locate(chunk), chunk, alphabet))
    supports, tables = support_tables(spectrum, totals.stacks, totals.sequences, totals.variance)
    return Summary(
        {
            "contributions": totals.contributions,
            "motifs": pd.DataFrame(rows, columns=MOTIF_COLUMNS),
            "placements": concatenated(places, PLACEMENT_COLUMNS),
            "motif_matrices": concatenated([m.table(alphabet) for m in matrices], MATRIX_COLUMNS),
            "position_interactions": totals.pairs,
            "supports": supports,
            "support_tables": tables,
            "clusters": totals.clusters,
            "cluster_members": totals.members,
        },
        matrices,
    )


def _describe(
    spectrum: Spectrum,
    settings: Settings,
    totals: _Totals,
    instance_sums: list[InstanceSums],
    singles: Terms,
    shares: Shares,
) -> tuple[list[dict[str, object]], list[Matrix], list[pd.DataFrame], list[Callable[[Chunk], Sites]]]:
    """The best motifs of each kind: a row each; of those with several letters, matrix, placements and sites too."""
    alphabet, output, parts = spectrum.template.alphabet, spectrum.output, _parts(instance_sums, singles)
    rows, matrices, places = [], [], []
    sites: list[Callable[[Chunk], Sites]] = []
    first = parts["interaction"].start
    for rank, k in enumerate(_chosen(spectrum, settings, instance_sums, shares.share[parts["interaction"]]), 1):
        matrix = instance_matrix(output, f"M{rank}", instance_sums[k], alphabet)
        rows.append(motif_row(matrix, instance_sums[k], shares.of(first + k), alphabet))
        matrices.append(matrix)
        places.append(placement_table(matrix, instance_sums[k]))
        sites.append(instance_sums[k].listed)
    first = parts["position"].start
    for rank, k in enumerate(ranked(shares.share[parts["position"]], settings), 1):
        rows.append(position_row(spectrum, totals.stacks[1], singles.supports[k], f"P{rank}", shares.of(first + k)))
    first = parts["seqlet"].start
    for rank, k in enumerate(ranked(shares.share[parts["seqlet"]], settings), 1):
        motif = totals.seqlets[k]
        matrix = seqlet_matrix(output, f"S{rank}", motif, alphabet)
        rows.append(seqlet_row(matrix, motif, shares.of(first + k)))
        matrices.append(matrix)
        places.append(seqlet_placements(matrix, motif))
        sites.append(motif.sites)
    return rows, matrices, places, sites


def _chosen(spectrum: Spectrum, settings: Settings, instance_sums: list[InstanceSums], shares: np.ndarray) -> list[int]:
    """The interaction motifs that are listed, the best first; the last one is of the strongest support.

    That one is listed where the others say little of its support, whatever else speaks against it.
    """
    if not instance_sums:
        return []
    last = len(instance_sums) - 1
    shares = np.nan_to_num(shares)
    enough = np.array([_counts(sums, settings) for sums in instance_sums], bool)
    enough[last] = False
    effects = np.array([abs(sums.value) / max(sums.instances, 1) for sums in instance_sums])
    chosen = ranked(np.where(enough, shares, 0.0), settings, effects)
    last_sums = instance_sums[last]
    support = tuple(last_sums.motif.placements.positions[0].tolist())
    whole = spectrum.tables.variances(spectrum.background.local)[spectrum.tables.supports.index(support)]
    told = sum(_variance_at(spectrum, instance_sums[k].motif, support) for k in chosen)
    if last_sums.sequences < settings.min_instances or told >= min(
        MIN_TOLD * whole, _variance_at(spectrum, last_sums.motif, support)
    ):
        return chosen
    enough[last] = True
    again = ranked(np.where(enough, shares, 0.0), settings, effects)
    return again if last in again or shares[last] < settings.min_share else [*chosen[: settings.count - 1], last]


def _variance_at(spectrum: Spectrum, motif: Motif, support: Support) -> float:
    """The variance of a motif's own part of one support, under the background."""
    terms = motif.terms.select(np.array([one == support for one in motif.terms.supports], bool))
    return float(terms.variances(spectrum.background.local).sum())


def _parts(instance_sums: list[InstanceSums], singles: Terms) -> dict[str, slice]:
    """Which of the measured parts of the variance belong to which kind of motif."""
    ends = np.cumsum([0, len(instance_sums), len(singles)]).tolist()
    return {
        "interaction": slice(ends[0], ends[1]),
        "position": slice(ends[1], ends[2]),
        "seqlet": slice(ends[2], None),
    }


def _counts(sums: InstanceSums, settings: Settings) -> bool:
    """Whether a motif is in enough sequences, mostly adds in one direction, and has letters that say something."""
    if sums.sequences < settings.min_instances or abs(sums.value) < MIN_CONSISTENCY * sums.magnitude:
        return False
    core = sums.frequencies[core_columns(sums.motif)]
    return bool(sums.motif.relation) or information(core / core.sum(1, keepdims=True)) >= MIN_BITS * len(core)


def ranked(shares: np.ndarray, settings: Settings, effects: np.ndarray | float = 1.0) -> list[int]:
    """Return the parts that say most, as many as are wanted, of those whose share, (K,), is large enough.

    Interactions by share times effect, (K,) what they add where they occur: one that is in many places and does little
    in each does not lead.
    """
    shares = np.nan_to_num(shares)
    order = np.argsort(-np.where(shares >= settings.min_share, shares * effects, -1.0), kind="stable")
    return [k for k in order[: settings.count].tolist() if shares[k] >= settings.min_share]


def _add_up(spectrum: Spectrum, explained: Explained, settings: Settings) -> _Totals:
    """Sum up all sequences, in two passes."""
    template, components = spectrum.template, spectrum.components
    values, clusters = _first_pass(explained, settings)
    masks = dict(zip(SETS[1:], extremes(values, settings.extremes), strict=True))
    named = [f"cluster:{k + 1}" for k in range(len(clusters.centers))]
    groups = [f"group:{name}" for name in explained.groups]
    letters = LetterSums(template.alphabet, template.n, [*SETS, *named, *groups])
    joined = [clusters.members(spectrum.output, [], np.zeros((0, template.n)))]
    tables = search_terms(spectrum)
    counts = np.zeros(len(tables.tables))
    pairs = complete_map(components, "SII", 2)
    pairs = pairs.select(pairs.orders == 2)
    sums = Sums.empty(spectrum.terms, pairs, 0, components.train_scale)
    finder = SeqletFinder(template.n, settings.seed) if wants_seqlets(settings.seqlets, template.n) else None
    for chunk in explained.chunks():
        letters.add(0, chunk.codes, chunk.values)
        for number, name in enumerate(SETS[1:], 1):
            members = masks[name][chunk.rows]
            letters.add(number, chunk.codes[members], chunk.values[members])
        for group in np.unique(chunk.groups[chunk.groups >= 0]).tolist():
            members = chunk.groups == group
            letters.add(len(SETS) + len(named) + group, chunk.codes[members], chunk.values[members])
        if named:
            joined.append(clusters.members(spectrum.output, chunk.ids, chunk.values))
            for number in range(len(named)):
                inside = (joined[-1]["cluster"] == number + 1).to_numpy()
                letters.add(len(SETS) + number, chunk.codes[inside], chunk.values[inside])
        counts += tables.cell_sums(chunk.local, np.ones(len(chunk.rows)))
        strongest_of_all(components, pairs, chunk.local, top_k=0, sums=sums)
        if finder:
            finder.add(chunk)
    there = values[np.isfinite(values)]
    return _Totals(
        len(there),
        float(((there - spectrum.intercept) ** 2).mean()) if len(there) else 0.0,
        build_stacks(spectrum, tables, counts.astype(np.int64)),
        letters.table(spectrum.output),
        pair_table(spectrum, pairs.supports, sums),
        _seqlet_motifs(spectrum, finder, settings),
        clusters.table.assign(output=spectrum.output)[CLUSTER_COLUMNS],
        pd.concat(joined),
    )


def _first_pass(explained: Explained, settings: Settings) -> tuple[np.ndarray, Clusters]:
    """Read all once: reconstructions by row (NaN for what is left out), and clusters of some of the sequences."""
    reconstruction, sampled = np.full(explained.count, np.nan), []
    wanted = np.isin(np.arange(explained.count), sampled_rows(explained.count))
    for chunk in explained.chunks():
        reconstruction[chunk.rows] = chunk.reconstruction
        sampled.append(chunk.values[wanted[chunk.rows]])
    values = np.concatenate(sampled or [np.zeros((0, explained.template.n))])
    return reconstruction, find_clusters(values, settings.clusters, settings.seed)


def _seqlet_motifs(spectrum: Spectrum, finder: SeqletFinder | None, settings: Settings) -> list[SeqletMotif]:
    """Cluster what a finder has found."""
    seqlets = finder.result() if finder else None
    if seqlets is None or settings.count == 0:
        return []
    alphabet = spectrum.template.alphabet
    complement = alphabet.complement if settings.reverse_complement else None
    return cluster_seqlets(seqlets, spectrum.template.n, alphabet.q, complement, settings.min_instances)


def _measure(
    spectrum: Spectrum,
    explained: Explained,
    settings: Settings,
    totals: _Totals,
    instance_sums: list[InstanceSums],
    singles: Terms,
) -> Shares:
    """Find all instances, and measure what shares of the variance motifs and single positions have."""
    shares = VarianceShares(settings.seed, settings.bootstrap, len(instance_sums) + len(singles) + len(totals.seqlets))
    for chunk in explained.chunks():
        parts = [sums.motif.terms.predict(chunk.local) for sums in instance_sums]
        seqlets = [motif.part(chunk) for motif in totals.seqlets]
        shares.add(chunk, spectrum.intercept, np.column_stack([*parts, singles.dividends(chunk.local), *seqlets]))
        for sums in instance_sums:
            sums.add(chunk, sums.find(chunk))
    return shares.result()
