"""Explanations as tables: Shapley values and interactions of each sequence, and their refinement."""
