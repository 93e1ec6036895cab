"""A small genome, and intervals on it."""

from variant_cases import random_letters

CONTIG = random_letters(500)
