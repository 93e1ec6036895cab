"""The models that recovery is measured on: real networks, trees, landscapes, and a sparse function.

All but the reporter and the sparse functions come from the reference data beside the checkout (`../shared/data`), whose
READMEs say where those are from, and are loaded through the workflow's own model kinds. `MODELS` names them; a builder
raises FileNotFoundError where its data are missing.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from bedict import load_bedict
from benchmarks import long_model
from benchmarks.reference_model import ReferenceModel
from shapsketch.models import Model
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.rng import generator
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
DNA, PROTEIN = Alphabet.from_config("DNA"), Alphabet.from_config("protein")
CAS9_SITE = "N" * 25 + "GG" + "NNN"
GB1_WILD_TYPE = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
SPROUT = ("frac_mutant_ins", "frac_total_del", "diversity")
GB1_SITES = (38, 39, 40, 53)  # 0-based; 39, 40, 41 and 54 in the papers
BATCH = 512
EXPLAINED = 24  # sequences whose Shapley values are compared
MAX_ENUMERATED = 200_000  # a space up to this size is evaluated in full for its exact truth


def evenly(items: np.ndarray | list[str], count: int = EXPLAINED) -> np.ndarray:
    """Return `count` items at equal steps."""
    return np.asarray(items)[np.linspace(0, len(items) - 1, count).astype(int)]


def _local(template: Template, sequences: np.ndarray) -> np.ndarray:
    return template.to_local(template.alphabet.encode(sequences.tolist()))


def load(name: str, dtype: str = "float32") -> Model:
    """Load a published model by its folder of the reference data, through the workflow's own model kinds."""
    folder = DATA / name
    source, alphabet, n, outputs = {
        "deepspcas9": (
            {"kind": "torch", "architecture": "deepspcas9", "path": "deepspcas9_weights.npz"},
            DNA, 30, ("efficacy",),
        ),
        "optimus5p_multioutput": (
            {"kind": "keras_h5", "path": "model_optimus5p_multioutput.h5", "layout": "channels_last"},
            DNA, 50, ("HEK293T", "T_cells", "HepG2"),
        ),
        "nn4dms_gb1": (
            {"kind": "torch", "architecture": "nn4dms_cnn", "path": "gb1_cnn_weights.npz"},
            PROTEIN, 56, ("log_enrichment",),
        ),
        "sprout": (
            {"kind": "trees", "path": [f"sprout_{output}_trees.npz" for output in SPROUT], "layout": "flat"},
            DNA, 23, SPROUT,
        ),
    }[name]  # fmt: skip
    paths = source["path"] if isinstance(source["path"], list) else [source["path"]]
    source = {"layout": "channels_first", "dtype": dtype, **source, "path": [str(folder / path) for path in paths]}
    if len(paths) == 1:
        source["path"] = source["path"][0]
    return _load(source, Template(alphabet, alphabet.wildcard * n), outputs)


def _load(source: dict, template: Template, outputs: tuple[str, ...]) -> Model:
    threads = torch.get_num_threads()
    model = Model(source, template, outputs, BATCH)
    torch.set_num_threads(threads)  # loading sets one thread, which is for shards
    return model


def deepspcas9() -> ReferenceModel:
    """Cas9 guide efficacy with the PAM fixed, explained on guides of the Azimuth screens."""
    folder, template = DATA / "deepspcas9", Template(DNA, CAS9_SITE)
    table = pd.read_csv(folder / "reference_predictions.csv")
    guides = table.sequence[(table.kind == "azimuth_30mer") & (table.sequence.str[25:27] == "GG")].tolist()
    return ReferenceModel(
        "deepspcas9",
        template,
        ("efficacy",),
        load("deepspcas9"),
        (10_000, 70_000),
        _local(template, evenly(guides)),
        (folder / "deepspcas9_weights.npz",),
    )


def guide_cnn() -> ReferenceModel:
    """The embedded network, explained on guides of the screens it was trained on."""
    path, template = ROOT / "resources/models/guide_cnn/model.pt2", Template(DNA, CAS9_SITE)
    guides = pd.read_csv(DATA / "azimuth" / "azimuth.csv").sequence.tolist()
    source = {"kind": "torch", "path": str(path), "layout": "channels_first", "dtype": "float32"}
    return ReferenceModel(
        "guide_cnn",
        template,
        ("activity",),
        _load(source, template, ("activity",)),
        (10_000, 70_000),
        _local(template, evenly(guides)),
        (path,),
    )


def sprout() -> ReferenceModel:
    """Insertions after a Cas9 cut: boosted trees whose Fourier transform is known exactly."""
    folder, template, trees = DATA / "sprout", Template(DNA, "N" * 23), load("sprout")
    table = pd.read_csv(folder / "reference_predictions.csv")
    with np.load(folder / "sprout_frac_mutant_ins_exact_fourier.npz", allow_pickle=False) as archive:
        k, coefficients = archive["k"].astype(np.int64), archive["re"] + 1j * archive["im"]
    kept = k.any(1)
    return ReferenceModel(
        "sprout",
        template,
        ("frac_mutant_ins",),
        lambda codes: trees(codes)[:, :1],
        (20_000,),
        _local(template, evenly(table.sequence[table.kind == "deephf_target"].tolist())),
        (folder / "sprout_frac_mutant_ins_trees.npz",),
        exact=(terms_from_coefficients(template, k[kept], coefficients[kept]),),
    )


def optimus5p() -> ReferenceModel:
    """Ribosome load of 5' UTRs in three cell lines; the explained ones are random, without ATG, and with one."""
    folder, template = DATA / "optimus5p_multioutput", Template(DNA, "N" * 50)
    sequences = pd.read_csv(folder / "reference_predictions.csv").sequence.tolist()
    return ReferenceModel(
        "optimus5p",
        template,
        ("HEK293T", "T_cells", "HepG2"),
        load("optimus5p_multioutput"),
        (10_000, 100_000),
        _local(template, evenly(sequences)),
        (folder / "model_optimus5p_multioutput.h5",),
        control="train",  # tables explain too little of it
        control_budget=10_000,
        truth_error=0.07,  # 0.02 would be twelve times the 700,000 evaluations
    )


def gb1_network() -> ReferenceModel:
    """A network of protein GB1 with four sites free: all 160,000 variants can be evaluated."""
    folder = DATA / "nn4dms_gb1"
    template = Template(PROTEIN, "".join("X" if i in GB1_SITES else a for i, a in enumerate(GB1_WILD_TYPE)))
    table = pd.read_csv(folder / "reference_predictions.csv")
    return ReferenceModel(
        "gb1_network",
        template,
        ("log_enrichment",),
        load("nn4dms_gb1"),
        (16_000,),
        _local(template, table.sequence[table.kind == "4site_39_40_41_54"].to_numpy()),
        (folder / "gb1_cnn_weights.npz",),
    )


def gb1_domain() -> ReferenceModel:
    """The same network with all 56 positions free, around the wild type; explained on it and on mutants."""
    folder, template = DATA / "nn4dms_gb1", Template(PROTEIN, "X" * len(GB1_WILD_TYPE))
    table = pd.read_csv(folder / "reference_predictions.csv")
    near = table.sequence[table.kind.isin(["wt", "single", "2-mut", "3-mut", "4-mut"])].tolist()
    return ReferenceModel(
        "gb1_domain",
        template,
        ("log_enrichment",),
        load("nn4dms_gb1"),
        (50_000,),
        _local(template, evenly(near)),
        (folder / "gb1_cnn_weights.npz",),
        control="train",
        control_budget=10_000,
        truth_error=0.05,
        mutated=(GB1_WILD_TYPE, 0.1),
    )


def bedict_a6() -> ReferenceModel:
    """Whether an adenine base editor converts the A at position 6: a transformer, explained on test sequences."""
    folder, template = DATA / "bedict_abemax", Template(DNA, "NNNNNA" + "N" * 14)
    network = load_bedict(folder / "bedict_abemax_weights.npz")
    numbers = torch.tensor(["ACTG".index(letter) for letter in DNA.letters])

    def probability(codes: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            parts = [network(numbers[torch.from_numpy(part.astype(np.int64))])[:, 5:6] for part in _batches(codes)]
        return torch.sigmoid(torch.cat(parts)).double().numpy()

    sequences = pd.read_csv(folder / "reference_predictions.csv").sequence
    return ReferenceModel(
        "bedict_a6",
        template,
        ("A6",),
        probability,
        (20_000,),
        _local(template, evenly(sequences[sequences.str[5] == "A"].tolist())),
        (folder / "bedict_abemax_weights.npz",),
        control="train",
        control_budget=30_000,
        truth_error=0.05,
    )


def _batches(codes: np.ndarray) -> Iterator[np.ndarray]:
    return (codes[start : start + BATCH] for start in range(0, len(codes), BATCH))


def gb1_landscape(outputs: tuple[str, ...], name: str) -> ReferenceModel:
    """The measured landscape of protein GB1 at four sites, as a table of its rows without gaps."""
    path, template = DATA / "landscape_gb1" / "gb1.parquet", Template(PROTEIN, "XXXX")
    table = pd.read_parquet(path, columns=["sequence", *outputs])
    codes = _local(template, table.sequence.to_numpy())
    values = table[list(outputs)].to_numpy(np.float64, na_value=np.nan)
    cube = np.full((20, 20, 20, 20, len(outputs)), np.nan)
    cube[tuple(codes.T)] = values
    rows = codes[np.isfinite(values).all(1)]
    return ReferenceModel(
        name,
        template,
        outputs,
        lambda asked: cube[tuple(asked.T)],
        (16_000,),
        evenly(rows, 200),
        (path,),
        rows=rows,
    )


def reporter() -> ReferenceModel:
    """A network of 145 letters, trained here on a simulated reporter assay, explained on sequences of it."""
    path, template = ROOT / "results/benchmarks/cache/reporter.pt", Template(DNA, "N" * 145)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        long_model.train(path, width=template.n)
    network = long_model.load(path)
    return ReferenceModel(
        "reporter",
        template,
        ("activity",),
        lambda codes: long_model.predict(network, codes)[:, None],
        (50_000,),
        long_model.make_sequences(EXPLAINED, template.n, 5)[0],
        (path,),
        control_budget=10_000,  # tables: students of so many letters are slower than the network
        truth_error=0.1,
        minutes=10,  # what the workflow allows where the config says nothing
    )


def sparse(decibels: float | None) -> ReferenceModel:
    """A sum of 1,000 random waves of one to five of 40 positions, with noise of a tenth of its power or none.

    Args:
        decibels: the ratio of signal to noise; None for no noise.
    """
    template, draws = Template(DNA, "N" * 40), generator(40, 0)
    frequencies = np.zeros((500, 40), np.int64)
    for row in frequencies:
        size = draws.integers(1, 6)
        row[draws.choice(40, size, replace=False)] = draws.integers(1, 4, size)
    frequencies = np.unique(np.concatenate([frequencies, -frequencies % 4]), axis=0)
    amplitudes = draws.normal(size=(len(frequencies), 2)) @ np.array([1, 1j])
    mirror = np.unique(-frequencies % 4, axis=0, return_index=True)[1]
    amplitudes = (amplitudes + amplitudes[mirror].conj()) / 2
    terms = terms_from_coefficients(template, frequencies, amplitudes)
    power = float(np.sum(np.abs(amplitudes) ** 2))
    return ReferenceModel(
        "sparse" if decibels is None else "sparse_noisy",
        template,
        ("y",),
        lambda codes: 1 + terms.predict(codes)[:, None],
        (300_000,),
        draws.integers(0, 4, (EXPLAINED, 40)).astype(np.uint8),
        design="fourier",
        exact=(terms,),
        noise=0.0 if decibels is None else float(np.sqrt(power / 10 ** (decibels / 10))),
    )


MODELS: dict[str, Callable[[], ReferenceModel]] = {
    "deepspcas9": deepspcas9,
    "guide_cnn": guide_cnn,
    "sprout": sprout,
    "optimus5p": optimus5p,
    "gb1_network": gb1_network,
    "gb1_domain": gb1_domain,
    "bedict_a6": bedict_a6,
    "reporter": reporter,
    "gb1_complete": partial(gb1_landscape, ("gpmap_complete",), "gb1_complete"),
    "gb1_measured": partial(gb1_landscape, ("log_enrichment", "fitness"), "gb1_measured"),
    "sparse": partial(sparse, None),
    "sparse_noisy": partial(sparse, 10.0),
}


def load_models(names: Iterable[str]) -> Iterator[ReferenceModel]:
    """Load models, one after another; those whose data are missing are skipped with a sentence."""
    for name in names:
        try:
            yield MODELS[name]()
        except (FileNotFoundError, InputError) as error:
            print(f"{name} is skipped: its data are missing ({error}).", flush=True)
