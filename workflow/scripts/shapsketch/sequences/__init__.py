"""Sequences: alphabets, templates, backgrounds, the reader of sequence files, and random letters by counter."""
