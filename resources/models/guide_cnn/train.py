"""Train, score and export the guide-activity CNN, the embedded default model.

    python resources/models/guide_cnn/train.py --data azimuth.csv --out resources/models/guide_cnn

The genes are split once: ``TEST_GENES`` are only ever used for the final score, ``CV_FOLDS``
(all the other genes) served to choose the hyperparameters and train the shipped weights.
Writes model.pt2, metrics.json and reference_predictions.csv into --out.
"""

import argparse
import hashlib
import json
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn import functional as F

LETTERS = "ACGT"
LENGTH = 30
PAM_GG = (25, 26)  # 0-based; every training row has G here
CONTEXT = (0, 1, 2, 3, 27, 28, 29)  # 0-based; letters outside guide and PAM
TEST_GENES = ("CD33", "CD5", "HPRT1", "NF2", "TADA2B")
CV_FOLDS = (
    ("MED12",),
    ("NF1", "THY1"),
    ("CD13", "H2-K", "TADA1"),
    ("CD15", "CUL3", "CD43"),
    ("CD45", "CCDC101", "CD28"),
)
REFERENCE_ROWS = 200
BOOTSTRAPS = 2000


@dataclass(frozen=True)
class Hyperparameters:
    """Chosen by gene-grouped cross-validation over ``CV_FOLDS``."""

    members: int = 6
    channels: int = 24
    hidden: int = 32
    kernel: int = 5
    input_dropout: float = 0.2
    hidden_dropout: float = 0.3
    mutation_rate: float = 0.1
    learning_rate: float = 4e-3
    weight_decay: float = 0.1
    batch_size: int = 128
    epochs: int = 20


class GuideCNN(nn.Module):
    """Mean of ``members`` small CNNs, held side by side as groups of one network.

    Each member: convolution, pooling by two, residual convolution, then a dense head that sees
    every pooled position and the per-channel mean over positions.
    """

    def __init__(self, hp: Hyperparameters) -> None:
        super().__init__()
        self.hp = hp
        width, positions = hp.members * hp.channels, LENGTH // 2
        features = hp.channels * (positions + 1)
        self.motifs = nn.Conv1d(len(LETTERS), width, hp.kernel, padding=hp.kernel // 2)
        self.mixing = nn.Conv1d(width, width, 3, padding=1, groups=hp.members)
        self.hidden_weight = nn.Parameter(torch.randn(hp.members, features, hp.hidden) / features**0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(hp.members, 1, hp.hidden))
        self.output_weight = nn.Parameter(torch.randn(hp.members, hp.hidden, 1) / (2 * hp.hidden**0.5))
        self.output_bias = nn.Parameter(torch.full((hp.members, 1, 1), 0.5))

    def predict_members(self, x: Tensor) -> Tensor:
        """One-hot (N, 4, 30) to the members' predictions (members, N, 1)."""
        hp = self.hp
        h = F.gelu(self.motifs(x - 0.25))
        h = (h[..., 0::2] + h[..., 1::2]) / 2
        h = h + F.gelu(self.mixing(h))
        by_position = h.reshape(x.shape[0], hp.members, -1)
        overall = 3 * h.mean(2).reshape(x.shape[0], hp.members, -1)
        features = F.dropout(torch.cat([by_position, overall], 2), hp.input_dropout, self.training).transpose(0, 1)
        hidden = F.gelu(torch.bmm(features, self.hidden_weight) + self.hidden_bias)
        hidden = F.dropout(hidden, hp.hidden_dropout, self.training)
        return torch.bmm(hidden, self.output_weight) + self.output_bias

    def forward(self, x: Tensor) -> Tensor:
        """One-hot (N, 4, 30) to predicted activity (N, 1)."""
        return self.predict_members(x).mean(0)


def one_hot(codes: Tensor) -> Tensor:
    """Letter codes (N, 30) to float32 one-hot (N, 4, 30), channels in the order ACGT."""
    return F.one_hot(codes, len(LETTERS)).to(torch.float32).transpose(1, 2).contiguous()


def encode(sequences: pd.Series) -> Tensor:
    """Sequences over ACGT to one-hot (N, 4, 30)."""
    return one_hot(torch.tensor([[LETTERS.index(c) for c in s] for s in sequences]))


def mutate_context(x: Tensor, rate: float) -> Tensor:
    """Redraw each letter outside guide and PAM with probability ``rate``."""
    shape = (len(x), len(CONTEXT))
    redrawn = one_hot(torch.randint(len(LETTERS), shape))
    chosen = torch.rand(len(x), 1, len(CONTEXT)) < rate
    mutated = x.clone()
    mutated[:, :, CONTEXT] = torch.where(chosen, redrawn, x[:, :, CONTEXT])
    return mutated


def train(x: Tensor, y: Tensor, hp: Hyperparameters, seed: int) -> GuideCNN:
    """Fit all members by mean squared error; they share batches but no weights."""
    torch.manual_seed(seed)
    model = GuideCNN(hp)
    batches = len(x) // hp.batch_size
    optimizer = torch.optim.AdamW(
        model.parameters(),
        hp.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=hp.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, hp.learning_rate, total_steps=hp.epochs * batches, pct_start=0.15
    )
    model.train()
    for _ in range(hp.epochs):
        order = torch.randperm(len(x))
        for rows in order[: batches * hp.batch_size].split(hp.batch_size):
            predicted = model.predict_members(mutate_context(x[rows], hp.mutation_rate))
            loss = (predicted[..., 0] - y[rows]).square().mean(1).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


@torch.inference_mode()
def predict(model: nn.Module, x: Tensor) -> np.ndarray:
    """Predicted activity (N,), in batches of 1024."""
    return torch.cat([model(part) for part in x.split(1024)])[:, 0].numpy()


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def scores(predicted: np.ndarray, table: pd.DataFrame) -> dict:
    """Spearman correlation over all rows, and within each gene."""
    genes = {
        gene: {
            "n": len(rows),
            "spearman": spearman(predicted[rows], table.activity.values[rows]),
        }
        for gene, rows in table.groupby("gene").indices.items()
    }
    return {
        "n": len(table),
        "pooled_spearman": spearman(predicted, table.activity.values),
        "mean_within_gene_spearman": float(np.mean([g["spearman"] for g in genes.values()])),
        "genes": genes,
    }


def bootstrap_intervals(predicted: np.ndarray, table: pd.DataFrame, seed: int) -> dict:
    """95 % percentile intervals, resampling rows within each gene (the genes stay fixed)."""
    rng = np.random.default_rng(seed)
    genes = list(table.groupby("gene").indices.values())
    draws = []
    for _ in range(BOOTSTRAPS):
        rows = np.concatenate([rng.choice(g, len(g)) for g in genes])
        drawn = scores(predicted[rows], table.iloc[rows].reset_index(drop=True))
        draws.append((drawn["pooled_spearman"], drawn["mean_within_gene_spearman"]))
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    return {
        "pooled_spearman": [float(low[0]), float(high[0])],
        "mean_within_gene_spearman": [float(low[1]), float(high[1])],
        "resamples": BOOTSTRAPS,
    }


def cross_validate(table: pd.DataFrame, hp: Hyperparameters, seed: int) -> dict:
    """Score each fold's genes by a model trained on the other folds."""
    x, y = encode(table.sequence), torch.tensor(table.activity.values, dtype=torch.float32)
    predicted = np.zeros(len(table), dtype=np.float32)
    for fold, genes in enumerate(CV_FOLDS):
        held_out = table.gene.isin(genes).to_numpy(copy=True)
        model = train(x[~held_out], y[~held_out], hp, seed=100 * seed + fold)
        predicted[held_out] = predict(model, x[held_out])
    return scores(predicted, table)


def export(model: GuideCNN, path: Path) -> None:
    """Save as a torch.export archive with a dynamic batch dimension and no local file paths."""
    example = torch.zeros(2, len(LETTERS), LENGTH)
    program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, path)


def random_guides(count: int, seed: int) -> list[str]:
    """Uniform random 30-mers with GG in the PAM."""
    codes = np.random.default_rng(seed).integers(len(LETTERS), size=(count, LENGTH))
    codes[:, PAM_GG] = LETTERS.index("G")
    return ["".join(LETTERS[c] for c in row) for row in codes]


@torch.inference_mode()
def throughput(model: nn.Module, x: Tensor, repeats: int = 100) -> dict[str, int]:
    """Sequences per second at the batch size of ``x``, over timed calls."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        model(x)
        seconds.append(time.perf_counter() - start)
    return {"best": round(len(x) / min(seconds)), "median": round(len(x) / float(np.median(seconds)))}


def largest_differences(eager: nn.Module, loaded: nn.Module, x: Tensor) -> dict[str, float]:
    """Exported against eager at several batch sizes, and rows alone against rows in a batch."""
    with torch.inference_mode():
        differences = {
            f"export_vs_eager_batch_{n}": float((loaded(x[:n]) - eager(x[:n])).abs().max()) for n in (1, 7, 1024)
        }
        alone = torch.cat([loaded(row[None]) for row in x])
        differences["row_alone_vs_batch_1024"] = float((loaded(x) - alone).abs().max())
    assert max(differences.values()) < 1e-6, differences
    return differences


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Cross-validate, train, export, score and write everything to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="azimuth.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    hp = Hyperparameters()
    table = pd.read_csv(args.data)
    is_test = table.gene.isin(TEST_GENES)
    fit, test = (table[m].reset_index(drop=True) for m in (~is_test, is_test))
    validation = cross_validate(fit, hp, args.seed)
    targets = torch.tensor(fit.activity.values, dtype=torch.float32)
    model = train(encode(fit.sequence), targets, hp, args.seed)

    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "model.pt2"
    export(model, path)
    loaded = torch.export.load(path).module()
    predicted = predict(loaded, encode(test.sequence))
    probe = encode(pd.Series(random_guides(1024, seed=1)))
    metrics = {
        "held_out": scores(predicted, test) | {"interval_95": bootstrap_intervals(predicted, test, args.seed)},
        "cross_validation": validation | {"folds": CV_FOLDS},
        "split": {
            "test_genes": TEST_GENES,
            "training_genes": sorted(fit.gene.unique()),
            "test_rows": len(test),
            "training_rows": len(fit),
        },
        "seed": args.seed,
        "hyperparameters": asdict(hp),
        "parameters": sum(p.numel() for p in model.parameters()),
        "largest_absolute_difference": largest_differences(model, loaded, probe),
        "throughput_batch_1024_one_thread_per_second": throughput(loaded, probe),
        "sha256": {"data": sha256(args.data), "model.pt2": sha256(path)},
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
    }
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")

    guides = random_guides(REFERENCE_ROWS, seed=0)
    values = predict(loaded, encode(pd.Series(guides)))
    pd.DataFrame({"sequence": guides, "prediction": [f"{v:.9g}" for v in values]}).to_csv(
        args.out / "reference_predictions.csv", index=False
    )


if __name__ == "__main__":
    main()
