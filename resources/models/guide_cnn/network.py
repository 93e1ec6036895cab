"""The guide-activity network as a module with names, for `mechanism`: the program in model.pt2 keeps operators only."""

from pathlib import Path

import torch
from train import GuideCNN, Hyperparameters


def network() -> GuideCNN:
    """Return the network with the weights of model.pt2: one-hot (N, 4, 30) to activity (N, 1)."""
    model = GuideCNN(Hyperparameters())
    model.load_state_dict(torch.export.load(Path(__file__).with_name("model.pt2")).state_dict)
    return model.eval()
