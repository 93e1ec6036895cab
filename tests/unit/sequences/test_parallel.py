"""Loops that are shared out do every item once, on any number of threads."""

import threading

import numba
import numpy as np
import pytest

from shapsketch.sequences.parallel import over_sequences, share_out


@pytest.fixture
def two_threads():
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("this process has one thread")
    before = numba.get_num_threads()
    numba.set_num_threads(2)
    yield
    numba.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 1000])
def test_every_item_is_done_once(two_threads, count):
    done = np.zeros(count, int)

    def kernel(start, stop, add):
        done[start:stop] += add

    share_out(kernel, count, 3)
    assert (done == 3).all()


def test_threads_work_at_the_same_time(two_threads):
    """Each waits for the other: one after the other, they would wait forever."""
    both, met = threading.Barrier(2, timeout=30), []
    share_out(lambda start, stop: met.append(both.wait()), 2)
    assert sorted(met) == [0, 1]


def test_a_fault_is_raised(two_threads):
    def kernel(start, stop):
        if start:
            raise ZeroDivisionError("in the second half")

    with pytest.raises(ZeroDivisionError, match="second half"):
        share_out(kernel, 10)


def test_codes_come_in_one_layout():
    seen = []
    codes = np.arange(24, dtype=np.uint8).reshape(4, 6)
    for layout in (codes, np.asfortranarray(codes), np.repeat(codes, 2, axis=1)[:, ::2]):
        over_sequences(lambda start, stop, given: seen.append(given), layout)
    assert all(given.flags.c_contiguous and (given == codes[: len(given)]).all() for given in seen)
