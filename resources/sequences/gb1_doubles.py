"""Write the measured mutants of protein GB1 at the sites 39, 40, 41 and 54, as ProteinGym has assays.

python resources/sequences/gb1_doubles.py LANDSCAPE > resources/tables/gb1_doubles.csv
python resources/sequences/gb1_doubles.py LANDSCAPE 4 2500 > resources/tables/gb1_quadruples.csv

The first writes all single and double mutants; the second those with as many changes, so many of them drawn evenly.

LANDSCAPE is a CSV, TSV or Parquet table with the columns sequence (four letters) and log_enrichment, as came with
Wu et al. (eLife 2016, doi:10.7554/eLife.16965). DMS_score_bin is 1 above the median.
"""

import sys
from pathlib import Path

import pandas as pd

WILD_TYPE = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
SITES = (39, 40, 41, 54)  # 1-based


def read(path: Path) -> pd.DataFrame:
    """Read the landscape, whatever kind of table it is."""
    return pd.read_parquet(path) if path.suffix in (".parquet", ".pq") else pd.read_csv(path, sep=None, engine="python")


def main() -> None:
    """Write the table."""
    table = read(Path(sys.argv[1]))[["sequence", "log_enrichment"]].dropna()
    own = [WILD_TYPE[site - 1] for site in SITES]
    changes = [
        [f"{a}{site}{b}" for a, site, b in zip(own, SITES, text, strict=True) if a != b] for text in table["sequence"]
    ]
    table = table.assign(mutant=[":".join(change) for change in changes], number=list(map(len, changes)))
    if len(sys.argv) > 2:
        table = table[table["number"] == int(sys.argv[2])]
        table = table.sample(int(sys.argv[3]), random_state=0).sort_index()
    else:
        table = table[table["number"].between(1, 2)]
    table["mutated_sequence"] = [
        "".join(dict(zip(SITES, text, strict=True)).get(k, letter) for k, letter in enumerate(WILD_TYPE, 1))
        for text in table["sequence"]
    ]
    table["DMS_score_bin"] = (table["log_enrichment"] > table["log_enrichment"].median()).astype(int)
    columns = {"log_enrichment": "DMS_score"}
    names = ["mutant", "mutated_sequence", "DMS_score", "DMS_score_bin"]
    table.rename(columns=columns)[names].to_csv(sys.stdout, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
