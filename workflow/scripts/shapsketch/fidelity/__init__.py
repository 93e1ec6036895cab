"""Fidelity: how well a spectrum reproduces its model, and what an explanation up to an order misses."""
