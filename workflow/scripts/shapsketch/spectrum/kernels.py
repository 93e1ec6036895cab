"""Compiled look-ups of dividends: the loops behind `Terms`.

They go over a range of sequences or of terms, for `share_out`, and add in a fixed order, so results do not depend on
the number of threads.
"""

from typing import NamedTuple

import numba
import numpy as np

BLOCK = 512  # sequences that a thread takes at once: their codes and one term's values stay in L1
LARGE_BLOCK = 4096  # where tables are large, to read each of them less often
LARGE_TABLE = 512  # cells, on average


class TermArrays(NamedTuple):
    """The flat arrays of `Terms`, which describes them, as compiled code takes them."""

    sizes: np.ndarray
    offsets: np.ndarray
    positions: np.ndarray
    table_offsets: np.ndarray
    tables: np.ndarray
    fourier_offsets: np.ndarray
    amplitudes: np.ndarray
    frequency_offsets: np.ndarray
    frequencies: np.ndarray
    phases: np.ndarray


@numba.njit(cache=True)
def _block(table_offsets):
    return LARGE_BLOCK if table_offsets[-1] > LARGE_TABLE * (table_offsets.size - 1) else BLOCK


@numba.njit(cache=True)
def fill(columns, t, cells, values, terms):
    """Write the dividends of term t for a block of sequences, given as (n, B) columns of codes."""
    start, stop, base = terms.offsets[t], terms.offsets[t + 1], terms.table_offsets[t]
    if terms.table_offsets[t + 1] > base:
        first = columns[terms.positions[start]]
        for r in range(values.size):
            cells[r] = first[r]
        for s in range(start + 1, stop):
            column, size = columns[terms.positions[s]], np.int32(terms.sizes[terms.positions[s]])
            for r in range(values.size):
                cells[r] = cells[r] * size + column[r]
        table = terms.tables[base : terms.table_offsets[t + 1]]
        for r in range(values.size):
            values[r] = table[cells[r]]
        return
    plain, values_by_phase = terms.phases.shape[1] == terms.phases.shape[2], np.empty(terms.phases.shape[1])
    values.fill(0.0)
    cursor = terms.frequency_offsets[t]
    for w in range(terms.fourier_offsets[t], terms.fourier_offsets[t + 1]):
        frequencies, support = terms.frequencies[cursor : cursor + stop - start], terms.positions[start:stop]
        cursor += frequencies.size
        for m in range(values_by_phase.size):  # Re(F exp(2 pi i m / q)), of which m = sum k_i x_i mod q takes one
            values_by_phase[m] = (terms.amplitudes[w] * terms.phases[support[0], 1, m]).real
        if plain:
            _add_fourier_term(columns, support, frequencies, cells, values_by_phase, values)
        else:
            _add_averaged_fourier_term(
                columns, support, frequencies, terms.phases, terms.amplitudes[w], values_by_phase, values
            )


@numba.njit(cache=True)
def _add_averaged_fourier_term(columns, support, frequencies, phases, amplitude, values_by_phase, values):
    """Add a Fourier term where letters may be averages (codes from q on); others get what `_add_fourier_term` adds."""
    q = values_by_phase.size
    for r in range(values.size):
        m, most, product = np.int64(0), np.int64(0), amplitude
        for s in range(support.size):
            letter = np.int64(columns[support[s], r])
            m += frequencies[s] * letter
            if letter > most:
                most = letter
            product *= phases[support[s], frequencies[s], letter]
        values[r] += values_by_phase[m % q] if most < q else product.real


@numba.njit(cache=True)
def _add_fourier_term(columns, support, frequencies, cells, values_by_phase, values):
    """Add a Fourier term to the values of a block, given its value for every m."""
    cells[: values.size].fill(0)
    for s in range(support.size):
        column, frequency = columns[support[s]], np.int32(frequencies[s])
        for r in range(values.size):
            cells[r] += frequency * np.int32(column[r])
    q = np.int32(values_by_phase.size)
    inverse = np.float32(1.0) / np.float32(q)
    for r in range(values.size):
        m = cells[r] - q * np.int32(np.float32(cells[r]) * inverse)  # off by one at most
        m += q if m < 0 else np.int32(0)
        values[r] += values_by_phase[m - q if m >= q else m]


@numba.njit(cache=True, nogil=True)
def dividends(start, stop, codes, terms, out):
    """Write the (N, T) dividends of (N, n) codes."""
    block = _block(terms.table_offsets)
    for begin in range(start, stop, block):
        rows = slice(begin, min(begin + block, stop))
        columns = codes[rows].T.copy()
        cells, values = np.empty(columns.shape[1], np.int32), np.empty(columns.shape[1])
        for t in range(terms.offsets.size - 1):
            fill(columns, t, cells, values, terms)
            for r in range(values.size):
                out[begin + r, t] = values[r]


@numba.njit(cache=True, nogil=True)
def predict(start, stop, codes, terms, out):
    """Write the (N,) sums of all dividends."""
    block = _block(terms.table_offsets)
    for begin in range(start, stop, block):
        rows = slice(begin, min(begin + block, stop))
        columns = codes[rows].T.copy()
        cells, values = np.empty(columns.shape[1], np.int32), np.empty(columns.shape[1])
        out[rows].fill(0.0)
        for t in range(terms.offsets.size - 1):
            fill(columns, t, cells, values, terms)
            for r in range(values.size):
                out[begin + r] += values[r]


@numba.njit(cache=True, nogil=True)
def shapley_values(start, stop, codes, terms, out):
    """Write the (N, n) Shapley values."""
    block = _block(terms.table_offsets)
    for begin in range(start, stop, block):
        rows = slice(begin, min(begin + block, stop))
        columns = codes[rows].T.copy()
        cells, values = np.empty(columns.shape[1], np.int32), np.empty(columns.shape[1])
        totals = np.zeros((codes.shape[1], columns.shape[1]))
        for t in range(terms.offsets.size - 1):
            fill(columns, t, cells, values, terms)
            share = 1.0 / (terms.offsets[t + 1] - terms.offsets[t])
            for s in range(terms.offsets[t], terms.offsets[t + 1]):
                total = totals[terms.positions[s]]
                for r in range(total.size):
                    total[r] += values[r] * share
        for r in range(values.size):
            for i in range(totals.shape[0]):
                out[begin + r, i] = totals[i, r]


HYPOTHETICAL_BLOCK = 64  # sequences; sums are held for every letter


@numba.njit(cache=True, nogil=True)
def hypothetical_values(start, stop, codes, terms, shared, out):
    """Write the (N, n, m) sums of the dividends that hold position i, were letter b there and all else as it is.

    Shared out over the positions of each they are Shapley values; whole, what position i adds.
    """
    for begin in range(start, stop, HYPOTHETICAL_BLOCK):
        rows = slice(begin, min(begin + HYPOTHETICAL_BLOCK, stop))
        columns = codes[rows].T.copy()
        cells, values = np.empty(columns.shape[1], np.int32), np.empty(columns.shape[1])
        totals, letters_there = np.zeros((codes.shape[1], out.shape[2], values.size)), np.empty_like(columns[0])
        for t in range(terms.offsets.size - 1):
            share = 1.0 / (terms.offsets[t + 1] - terms.offsets[t]) if shared else 1.0
            for i in terms.positions[terms.offsets[t] : terms.offsets[t + 1]]:
                letters_there[:] = columns[i]
                for letter in range(min(terms.sizes[i], out.shape[2])):
                    columns[i] = letter
                    fill(columns, t, cells, values, terms)
                    for r in range(values.size):
                        totals[i, letter, r] += values[r] * share
                columns[i] = letters_there
        for r in range(values.size):
            out[begin + r] = totals[:, :, r]


TERMS_AT_ONCE = 32  # terms whose histograms a thread fills in one pass over the sequences
SEQUENCES_AT_ONCE = 4096  # sequences of one step of that pass
LANES = 4  # histograms per term: neighbouring sequences rarely wait for one another's addition


@numba.njit(cache=True, nogil=True)
def cell_sums(start, stop, columns, offsets, positions, sizes, table_offsets, weights, out):
    """Write the sums of weights over the sequences in each cell of each table."""
    rows = columns.shape[1]
    for first in range(start, stop, TERMS_AT_ONCE):
        last = min(first + TERMS_AT_ONCE, stop)
        base = table_offsets[first]
        lanes = np.zeros((LANES, table_offsets[last] - base))
        cells = np.empty(SEQUENCES_AT_ONCE, np.int32)
        for begin in range(0, rows, SEQUENCES_AT_ONCE):
            count = min(SEQUENCES_AT_ONCE, rows - begin)
            block_weights = weights[begin : begin + count]
            for t in range(first, last):
                if table_offsets[t + 1] == table_offsets[t]:
                    continue
                cells[:count].fill(table_offsets[t] - base)
                stride = 1
                for s in range(offsets[t + 1] - 1, offsets[t] - 1, -1):
                    column = columns[positions[s], begin : begin + count]
                    for r in range(count):
                        cells[r] += np.int32(column[r]) * np.int32(stride)
                    stride *= sizes[positions[s]]
                even = count // LANES * LANES
                for r in range(0, even, LANES):
                    lanes[0, cells[r]] += block_weights[r]
                    lanes[1, cells[r + 1]] += block_weights[r + 1]
                    lanes[2, cells[r + 2]] += block_weights[r + 2]
                    lanes[3, cells[r + 3]] += block_weights[r + 3]
                for r in range(even, count):
                    lanes[0, cells[r]] += block_weights[r]
        for c in range(lanes.shape[1]):
            out[base + c] = lanes[0, c] + lanes[1, c] + lanes[2, c] + lanes[3, c]
