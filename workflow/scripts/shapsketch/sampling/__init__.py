"""Sampling: which sequences a model is asked about, and what it answered."""
