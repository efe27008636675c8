"""What the demo must report, computed with pandas from the rows alone: the second opinion on every count.

Nothing here is taken from lakepact. The contract is written down once more, in the order of its clauses, as masks over
data frames: True where a row breaks the clause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class Ruled:
    """The rows of one schema object with what they break; rules are in the order of the contract.

    `early` are rules that are asked before the published expectations see a row: types, and keys of whole tables.
    """

    name: str
    rows: pd.DataFrame
    streams: bool = False
    broken: dict[str, Any] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    early: list[str] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)

    def rule(self, name: str, broken: Any, action: str, *, early: bool = False) -> None:
        self.broken[name] = broken.fillna(False).astype(bool)
        self.actions[name] = action
        if early:
            self.early.append(name)

    def column(self, name: str, kind: str, *, required: bool = False) -> None:
        """The rules of a column's type and of `required`; text has no type to break."""
        values = self.rows[name]
        if kind != "text":
            self.rule(f"{name}.type", _unreadable(values, kind), "quarantine", early=True)
        if required:
            self.rule(f"{name}.required", values.isna(), "quarantine")

    def bounds(self, name: str, low: float | None = None, high: float | None = None, action: str = "warn") -> None:
        """`minimum` and `maximum`, both included."""
        values = pd.to_numeric(self.rows[name], errors="coerce")
        if low is not None:
            self.rule(f"{name}.minimum", values < low, action)
        if high is not None:
            self.rule(f"{name}.maximum", values > high, action)

    def above(self, name: str, bound: float) -> None:
        """`exclusiveMinimum`."""
        self.rule(f"{name}.exclusiveMinimum", self.rows[name] <= bound, "warn")

    def length(self, name: str, wanted: int) -> None:
        """`minLength` and `maxLength`, both the same."""
        lengths = self.rows[name].str.len()
        self.rule(f"{name}.minLength", lengths < wanted, "warn")
        self.rule(f"{name}.maxLength", lengths > wanted, "warn")

    def key(self, columns: list[str]) -> None:
        """The primary key of a whole table: every row of a key that occurs twice."""
        twice = self.rows.duplicated(columns, keep=False) & self.rows[columns].notna().all(axis=1)
        self.rule("primaryKey", twice, "quarantine", early=True)
        self.repeated_keys = len(self.rows[twice].drop_duplicates(columns))

    def check(self, name: str, value: Any, threshold: str, passed: bool, action: str = "warn") -> None:
        rule_id = f"{self.name}.{name}"
        self.checks.append(
            dict(name=name, rule_id=rule_id, value=value, threshold=threshold, passed=bool(passed), action=action)
        )

    @property
    def held(self) -> Any:
        """Rows that break an early rule."""
        return _any(self.rows, [self.broken[name] for name in self.early])

    @property
    def quarantined(self) -> pd.DataFrame:
        return self.rows[self._removed]

    @property
    def published(self) -> pd.DataFrame:
        return self.rows[~self._removed]

    @property
    def _removed(self) -> Any:
        return _any(self.rows, [self.broken[name] for name, action in self.actions.items() if action == "quarantine"])

    def failed_rules(self, row: Any) -> list[str]:
        """The ids of the quarantining rules that the row with that index breaks."""
        return [
            f"{self.name}.{name}"
            for name, broken in self.broken.items()
            if broken[row] and self.actions[name] == "quarantine"
        ]

    def expectations(self) -> list[dict[str, Any]]:
        reached = ~self.held
        found = []
        for name, broken in self.broken.items():
            asked = pd.Series(True, index=self.rows.index) if name in self.early else reached
            found.append(self._counted(name, int((broken & asked).sum()), int(asked.sum())))
        return found

    def _counted(self, name: str, failed: int, asked: int, action: str = "") -> dict[str, Any]:
        return {
            "name": name,
            "rule_id": f"{self.name}.{name}",
            "action": action or self.actions[name],
            "passed_records": asked - failed,
            "failed_records": failed,
        }

    def datasets(self) -> dict[str, dict[str, Any]]:
        """Every stored dataset of the object as `lakepact run --json` reports it."""
        gone = len(self.quarantined)
        kind = "streaming table" if self.streams else "materialized view"
        found = {
            self.name: _dataset(kind, len(self.published), gone, self.expectations(), self.checks),
            f"{self.name}__quarantine": _dataset(
                kind,
                gone,
                0,
                [self._counted(name, int(self.broken[name][self._removed].sum()), gone) for name in self.early],
            ),
        }
        if "primaryKey" in self.broken:
            found[f"{self.name}__duplicates"] = _dataset("materialized view", self.repeated_keys, 0, [])
        for dataset, chosen in (("checks", ["warn"]), ("gate", ["fail"])):
            concerned = [check for check in self.checks if check["action"] in chosen]
            rows = len(self.checks) if dataset == "checks" else len(concerned)
            if concerned:
                counted = [self._counted(c["name"], int(not c["passed"]), rows, c["action"]) for c in concerned]
                found[f"{self.name}__{dataset}"] = _dataset("materialized view", rows, 0, counted)
        return found


def _dataset(
    kind: str, output: int, gone: int, expectations: Sequence[Any], checks: Sequence[Any] = ()
) -> dict[str, Any]:
    return {
        "kind": kind,
        "state": "COMPLETED",
        "output_records": output,
        "dropped_records": gone,
        "quarantined_records": gone,
        "expectations": list(expectations),
        "checks": list(checks),
    }


def _any(rows: pd.DataFrame, masks: Sequence[Any]) -> Any:
    found = pd.Series(False, index=rows.index)
    for mask in masks:
        found |= mask
    return found


def _unreadable(values: Any, kind: str) -> Any:
    if kind == "timestamp":
        return pd.to_datetime(values, errors="coerce", utc=True).isna() & values.notna()
    numbers = pd.to_numeric(values, errors="coerce")
    fraction = (numbers % 1 != 0) if kind == "integer" else False
    return values.notna() & (numbers.isna() | fraction)


def flights(rows: pd.DataFrame) -> Ruled:
    """The row rules of `flights`; its checks are on the whole table: `check_flights`."""
    o = Ruled("flights", rows, streams=True)
    for name, low, high in (("year", 2013, 2013), ("month", 1, 12), ("day", 1, 31)):
        o.column(name, "integer", required=True)
        o.bounds(name, low, high)
    o.column("dep_time", "integer")
    o.bounds("dep_time", 0, 2359)
    o.column("sched_dep_time", "integer", required=True)
    o.column("dep_delay", "integer")
    o.bounds("dep_delay", -60)
    for name in ("arr_time", "sched_arr_time", "arr_delay"):
        o.column(name, "integer")
    o.column("carrier", "text", required=True)
    o.length("carrier", 2)
    o.column("flight", "integer", required=True)
    known = rows["tailnum"].isna() | rows["tailnum"].fillna("").str.fullmatch(r"N[0-9A-Z]{4,5}")
    o.rule("tailnum.pattern", ~known, "quarantine")
    o.column("origin", "text", required=True)
    o.rule(
        "origin.quality.new-york", rows["origin"].notna() & ~rows["origin"].isin(["JFK", "LGA", "EWR"]), "quarantine"
    )
    o.column("dest", "text", required=True)
    o.column("air_time", "integer")
    o.above("air_time", 0)
    o.column("distance", "integer", required=True)
    o.bounds("distance", 50, action="quarantine")
    o.column("hour", "integer")
    o.bounds("hour", 0, 23)
    o.column("minute", "integer")
    o.bounds("minute", 0, 59)
    o.column("time_hour", "timestamp", required=True)
    return o


def check_flights(o: Ruled, everything: pd.DataFrame, parents: dict[str, Ruled], age: Any) -> None:
    """The checks of `flights` on all rows that were ever published."""
    cancelled = everything["dep_time"].isna().mean() * 100
    o.check("dep_time.quality.cancelled", cancelled, "mustBeLessThan 3 percent", cancelled < 3, "fail")
    late = everything["arr_delay"].mean()
    o.check("arr_delay.quality.late-on-average", late, "mustBeLessThan 15", late < 15)
    surplus = int(everything.duplicated(["time_hour", "carrier", "flight"]).sum())
    o.check("primaryKey", surplus, "mustBe 0 rows", surplus == 0)
    volume = len(everything)
    between = "mustBeBetween 300000 and 400000 rows"
    o.check("quality.volume", volume, between, 300_000 <= volume <= 400_000, "fail")
    for column, parent, key in (
        ("carrier", "airlines", "carrier"),
        ("tailnum", "planes", "tailnum"),
        ("origin", "airports", "faa"),
        ("dest", "airports", "faa"),
    ):
        orphans = int((everything[column].notna() & ~everything[column].isin(parents[parent].published[key])).sum())
        o.check(f"{column}.relationship", orphans, "mustBe 0 rows", orphans == 0)
    o.check("time_hour.sla.freshness", age, "freshness 1 d (86400 seconds)", False)


def weather(rows: pd.DataFrame) -> Ruled:
    o = Ruled("weather", rows)
    o.column("origin", "text", required=True)
    for name in ("year", "month", "day", "hour"):
        o.column(name, "integer", required=True)
    o.column("temp", "number")
    o.bounds("temp", -40, 130)
    o.column("dewp", "number")
    o.column("humid", "number")
    o.bounds("humid", 0, 100)
    o.column("wind_dir", "integer")
    o.bounds("wind_dir", 0, 360)
    o.column("wind_speed", "number")
    o.bounds("wind_speed", 0, 250, action="quarantine")
    o.column("wind_gust", "number")
    o.column("precip", "number")
    o.bounds("precip", 0)
    o.column("pressure", "number")
    o.column("visib", "number")
    o.column("time_hour", "timestamp", required=True)
    o.key(["origin", "year", "month", "day", "hour"])
    gusts = o.published["wind_gust"].isna().mean() * 100
    o.check("wind_gust.quality.gusts", gusts, "mustBeLessOrEqualTo 50 percent", gusts <= 50)
    return o


def planes(rows: pd.DataFrame) -> Ruled:
    o = Ruled("planes", rows)
    o.column("tailnum", "text", required=True)
    o.column("year", "integer")
    o.bounds("year", 1950, 2013)
    o.column("engines", "integer")
    o.bounds("engines", 1, 4)
    o.column("seats", "integer")
    o.above("seats", 0)
    o.column("speed", "integer")
    o.key(["tailnum"])
    return o


def airports(rows: pd.DataFrame) -> Ruled:
    o = Ruled("airports", rows)
    o.column("faa", "text", required=True)
    o.length("faa", 3)
    o.column("name", "text", required=True)
    o.column("lat", "number")
    o.bounds("lat", -90, 90)
    o.column("lon", "number")
    o.bounds("lon", -180, 180)
    o.column("alt", "integer")
    o.bounds("alt", 0)
    o.column("tz", "integer")
    o.rule("dst.quality.dst-known", rows["dst"].notna() & ~rows["dst"].isin(["A", "U", "N"]), "warn")
    o.column("tzone", "text", required=True)
    o.key(["faa"])
    return o


def airlines(rows: pd.DataFrame) -> Ruled:
    o = Ruled("airlines", rows)
    o.column("carrier", "text", required=True)
    o.length("carrier", 2)
    o.column("name", "text", required=True)
    o.key(["carrier"])
    return o
