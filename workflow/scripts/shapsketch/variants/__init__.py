"""Variants: read against a genome or a sequence, asked of the model alone and together, and written with effects."""
