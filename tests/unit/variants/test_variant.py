"""What fits into a window."""

from shapsketch.variants.variant import Change, applied, edited, fits, overlap


def test_what_fits_is_what_leaves_all_new_letters_in_the_window():
    insertion = (Change(5, "A", "ACGT"),)
    assert fits(insertion, 0, 9) and not fits(insertion, 0, 8)
    assert fits(insertion, 2, 6, "left") and not fits(insertion, 3, 9, "left")
    assert not fits((Change(5, "A", "ACGT"), Change(7, "ACGT", "A")), 0, 10)
    assert fits((Change(5, "A", "ACGT"), Change(7, "ACGT", "A")), 0, 14)


def test_an_insertion_directly_before_letters_that_change_overlaps_nothing():
    insertion, substitution = Change(4, "", "GG"), Change(4, "C", "T")
    both = (insertion, substitution)
    assert not overlap(both) and applied("AAAACAAA", both) == "AAAAGGTAAA"
    assert edited("AAAACAAAAA", 0, 0, 10, both) == "AAAAGGTAAA"
    assert edited("AAAACAAAAA", 0, 0, 10, both, "left") == "AAGGTAAAAA"
    assert not overlap((Change(2, "AA", ""), insertion)) and not overlap((Change(3, "A", "T"), insertion, substitution))
    assert overlap((insertion, Change(4, "", "T"))) and overlap((substitution, Change(4, "C", "G")))
    assert overlap((Change(3, "AC", ""), insertion)) and overlap((insertion, substitution, Change(4, "CA", "")))
