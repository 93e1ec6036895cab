"""What fits into a window."""

from shapsketch.variants.variant import Change, fits


def test_what_fits_is_what_leaves_all_new_letters_in_the_window():
    insertion = (Change(5, "A", "ACGT"),)
    assert fits(insertion, 0, 9) and not fits(insertion, 0, 8)
    assert fits(insertion, 2, 6, "left") and not fits(insertion, 3, 9, "left")
    assert not fits((Change(5, "A", "ACGT"), Change(7, "ACGT", "A")), 0, 10)
    assert fits((Change(5, "A", "ACGT"), Change(7, "ACGT", "A")), 0, 14)
