"""Model kinds, the counting and checking adapter, and files that must not be opened."""

import io
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch

from shapsketch.models import Model, identity
from shapsketch.models.torch_model import refuse_pickles
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch, merge_shards, sample_shard
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.storage.files import save_npz

TEMPLATE = Template(Alphabet("ACGT"), "NNNNN")
CODE = """
import numpy as np

def strings(sequences):
    return [[s.count("G"), s.count("T")] for s in sequences]

def codes(letters):
    return (letters == 2).sum(1)

def nan(sequences):
    return [float("nan") if s[0] == "T" else 1.0 for s in sequences]

def short(sequences):
    return [1.0] * (len(sequences) - 1)

def text(sequences):
    return ["high"] * len(sequences)

def raises(sequences):
    raise RuntimeError("out of\\nluck")

def dislikes(sequences):
    if "TTTTT" in sequences:
        raise ValueError("five T")
    return [1.0] * len(sequences)

def loses(sequences):
    return [1.0 for s in sequences if s != "TTTTT"]

def hungry(sequences):
    with open(__file__ + ".sizes", "a") as handle:
        handle.write(str(len(sequences)) + " ")
    if len(sequences) > 20:
        raise MemoryError
    return [s.count("G") for s in sequences]

def starving(sequences):
    raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

def pairs(sequences):
    assert len(sequences) == 2, "two at a time"
    return [1.0, 2.0]

def logs(sequences):
    with open(__file__ + ".log", "a") as handle:
        handle.writelines(s + "\\n" for s in sequences)
    return [s.count("G") for s in sequences]
"""


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(CODE)
    return path


def python(code, name, given="strings"):
    return {"kind": "python", "target": f"{code}:{name}", "input": given}


def test_python_functions_of_strings_and_of_codes(code):
    x = TEMPLATE.alphabet.encode(["GGTTT", "ACGTA"])
    model = Model(python(code, "strings"), TEMPLATE, ["g", "t"], batch_size=1)
    assert model(x).tolist() == [[2, 3], [1, 1]]
    assert model.evaluations == 2
    assert Model(python(code, "codes", "codes"), TEMPLATE, ["g"])(x).tolist() == [[2], [1]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nan", "returned nan in output 'y' for the sequence TACGT"),
        ("short", "returned 0 rows for 1 sequences, of which the first is ACGTA"),
        ("strings", r"shape \(2, 2\) for 2 sequences"),
        ("raises", r"raised RuntimeError \(out of luck\) on the sequence ACGTA"),
        ("text", r"returned text \(high\); numbers are needed"),
        ("absent", "has no function 'absent'"),
    ],
)
def test_models_that_misbehave(code, name, message):
    with pytest.raises(InputError, match=message) as caught:
        Model(python(code, name), TEMPLATE, ["y"])(TEMPLATE.alphabet.encode(["ACGTA", "TACGT"]))
    assert "\n" not in str(caught.value)


def test_the_first_sequence_that_a_model_cannot_take_is_named(code):
    codes = np.random.default_rng(0).integers(0, 3, (40, 5)).astype(np.uint8)
    codes[[23, 31]] = 3
    with pytest.raises(InputError, match=r"raised ValueError \(five T\) on the sequence TTTTT"):
        Model(python(code, "dislikes"), TEMPLATE, ["y"])(codes)
    with pytest.raises(InputError, match="returned 0 rows for 1 sequences, of which the first is TTTTT"):
        Model(python(code, "loses"), TEMPLATE, ["y"])(codes)


def test_a_batch_that_runs_out_of_memory_is_halved_once_and_for_all(code):
    codes = np.random.default_rng(0).integers(0, 4, (250, 5)).astype(np.uint8)
    model = Model(python(code, "hungry"), TEMPLATE, ["y"], batch_size=100)
    assert (model(codes)[:, 0] == (codes == 2).sum(1)).all()
    assert model.evaluations == 250
    sizes = list(map(int, (code.parent / "model.py.sizes").read_text().split()))
    assert sizes[:3] == [100, 50, 25]
    assert max(sizes[3:]) <= 20
    with pytest.raises(InputError, match="ran out of memory on the sequence AAAAA"):
        Model(python(code, "starving"), TEMPLATE, ["y"])(0 * codes)


def test_models_that_take_fewer_sequences_than_a_batch(code):
    assert Model(python(code, "pairs"), TEMPLATE, ["y"])(np.zeros((8, 5), np.uint8))[:, 0].tolist() == [1, 2] * 4


def test_missing_models(tmp_path):
    for source in (
        {"kind": "torch", "path": str(tmp_path / "no.pt2"), "layout": "flat", "dtype": "float32"},
        python(tmp_path / "no.py", "f"),
        {"kind": "table", "path": str(tmp_path / "no.csv")},
    ):
        with pytest.raises(InputError, match="does not exist"):
            Model(source, TEMPLATE, ["y"])
    with pytest.raises(InputError, match="'prophet' is not one of torch"):
        Model({"kind": "prophet"}, TEMPLATE, ["y"])


@pytest.mark.parametrize("layout", ["channels_first", "channels_last", "flat"])
def test_torch_layouts(tmp_path, layout):
    class Probe(torch.nn.Module):
        def forward(self, x):
            flat = x.transpose(1, 2).flatten(1) if layout == "channels_first" else x.flatten(1)
            return flat @ torch.arange(20.0)[:, None]

    shape = {"channels_first": (2, 4, 5), "channels_last": (2, 5, 4), "flat": (2, 20)}[layout]
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(Probe(), (torch.zeros(shape),), dynamic_shapes=({0: batch},))
    path = tmp_path / "m.pt2"
    torch.export.save(program, path)
    model = Model({"kind": "torch", "path": str(path), "layout": layout, "dtype": "float32"}, TEMPLATE, ["y"])
    codes = TEMPLATE.alphabet.encode(["ACGTA", "TTTTT", "CCCCC"])
    assert model(codes)[:, 0].tolist() == [float(sum(4 * i + a for i, a in enumerate(row))) for row in codes]


class Hostile:
    def __reduce__(self):
        return (print, ("this pickle ran",))


def test_hostile_torch_files_are_refused(tmp_path, capsys, root):
    path = tmp_path / "m.pt2"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(InputError, match="not an exported PyTorch program"):
        refuse_pickles(str(path))
    original = root / "resources/models/guide_cnn/model.pt2"
    refuse_pickles(str(original))
    evil = io.BytesIO()
    torch.save(Hostile(), evil)
    for change in ("sample_inputs/model.pt", "custom_obj_0"):
        with zipfile.ZipFile(original) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                target.writestr(name, evil.getvalue() if name.endswith(change) else source.read(name))
            if change.startswith("custom"):
                target.writestr(f"model/data/constants/{change}", evil.getvalue())
        with pytest.raises(InputError, match="could run code|more than plain tensors"):
            Model({"kind": "torch", "path": str(path), "layout": "flat", "dtype": "float32"}, TEMPLATE, ["y"])
    assert "this pickle ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet"])
def test_tables(tmp_path, name):
    frame = pd.DataFrame({"sequence": ["ACGTA", "ttttt", "CCCCC"], "y": [1.5, None, 2.5]})
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="," if name.endswith("csv") else "\t")
    model = Model({"kind": "table", "path": str(path)}, TEMPLATE, ["y"])
    assert model(TEMPLATE.alphabet.encode(["CCCCC", "ACGTA"]))[:, 0].tolist() == [2.5, 1.5]
    with pytest.raises(InputError, match="a sequence is not in the table"):
        model(TEMPLATE.alphabet.encode(["TTTTT"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence,x\nACGTA,1\n", "no column 'y'; it has sequence, x"),
        ("sequence,y\nACGTA,high\n", "row 1 has 'high' in column 'y'"),
        ("sequence,y\nACGTA,1\nACGT,2\n", "row 2 has 4 letters; the template has 5"),
        ("sequence,y\nACGTA,1\nACGTZ,2\n", "row 2 has 'Z' at position 5"),
        ("sequence,y\nACGTA,1\nacgta,2\n", "rows 1 and 2 hold the same sequence, ACGTA"),
        ("sequence,y\nACGTA,\n", "no row with a value"),
    ],
)
def test_table_mistakes(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Model({"kind": "table", "path": str(path)}, TEMPLATE, ["y"])


def test_identity_follows_the_content(code):
    before = identity(python(code, "strings"))
    code.write_text(CODE + "\n# changed\n")
    assert identity(python(code, "strings"))["files"] != before["files"]


@pytest.mark.parametrize("shards", [1, 3, 16])
def test_a_sketch_costs_its_budget_and_not_one_evaluation_more(code, tmp_path, shards):
    template = Template(Alphabet("ACGT"), "N" * 8)
    plan = make_plan({}, ["y"], Background.uniform(template), budget=1_000, batch_size=64)
    counted = []
    paths = []
    for shard in range(1, shards + 1):
        arrays = sample_shard(plan, python(code, "logs"), shard, shards, counted.append)
        paths.append(tmp_path / f"{shard}.npz")
        save_npz(paths[-1], arrays)
    asked = (code.parent / "model.py.log").read_text().split()
    assert len(asked) == sum(counted) == plan.size == 1_000
    assert asked == template.alphabet.decode(template.to_alphabet(plan.queries(0, 1_000)))
    sketch = merge_shards(plan, paths[::-1])
    assert sketch.values[:, 0].tolist() == [s.count("G") for s in asked]
    sketch.save(tmp_path / "sketch.npz")
    assert (Sketch.load(tmp_path / "sketch.npz", plan).values == sketch.values).all()


def test_shards_of_another_plan_or_missing_ones(code, tmp_path):
    background = Background.uniform(Template(Alphabet("ACGT"), "N" * 8))
    plan, other = (make_plan({}, ["y"], background, budget=500, batch_size=64, seed=s) for s in (0, 1))
    paths = [tmp_path / f"{k}.npz" for k in (1, 2, 3)]
    for k, path in enumerate(paths, 1):
        save_npz(path, sample_shard(plan, python(code, "codes", "codes"), k, 3))
    with pytest.raises(InputError, match="hold no evaluation number"):
        merge_shards(plan, paths[:1] + paths[2:])
    with pytest.raises(InputError, match="hold 320 of 500"):
        merge_shards(plan, paths[:2])
    paths[1].write_bytes(paths[1].read_bytes()[:-30])
    with pytest.raises(InputError, match="damaged"):
        merge_shards(plan, paths)
    with pytest.raises(InputError, match="belongs to another plan"):
        merge_shards(other, paths[::2])
    assert not any(path.exists() for path in paths)


def test_the_embedded_model_reproduces_its_reference(root):
    folder = root / "resources/models/guide_cnn"
    reference = pd.read_csv(folder / "reference_predictions.csv")
    template = Template(Alphabet("ACGT"), "N" * 25 + "GG" + "NNN")
    source = {"kind": "torch", "path": str(folder / "model.pt2"), "layout": "channels_first", "dtype": "float32"}
    model = Model(source, template, ["activity"])
    values = model(template.alphabet.encode(reference["sequence"].tolist()))
    assert np.abs(values[:, 0] - reference.iloc[:, 1]).max() < 1e-5


def test_the_embedded_model_has_the_held_out_score_its_card_reports(root, shared):
    import json

    from scipy.stats import spearmanr

    folder = root / "resources/models/guide_cnn"
    metrics = json.loads((folder / "metrics.json").read_text())["held_out"]
    table = pd.read_csv(shared / "azimuth/azimuth.csv")
    table = table[table["gene"].isin(metrics["genes"])]
    template = Template(Alphabet("ACGT"), "N" * 25 + "GG" + "NNN")
    source = {"kind": "torch", "path": str(folder / "model.pt2"), "layout": "channels_first", "dtype": "float32"}
    values = Model(source, template, ["activity"])(template.alphabet.encode(table["sequence"].tolist()))
    assert len(table) == metrics["n"]
    assert spearmanr(values[:, 0], table["activity"]).statistic == pytest.approx(metrics["pooled_spearman"], abs=1e-3)
