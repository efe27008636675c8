"""Drafts from files: what footers and samples say, which clauses are sure enough, and what is only listed."""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract import Contract, load_contract
from lakepact.contract.types import AtomicType, StructType
from lakepact.drafts import Draft, Provenance, draft_from_files, file_facts
from lakepact.drafts.samples import csv_facts, json_facts
from lakepact.drafts.statistics import ColumnFacts, FileFacts, candidates, shape_of
from lakepact.errors import ConfigurationError, ExtraMissing, UsageError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

WHY = Provenance(cause="files were delivered")
ROWS = 200


def types(found: StructType) -> dict[str, str]:
    return {each.name: each.type.ddl for each in found.fields}


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> str:
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def drafted(facts: FileFacts, **more: Any) -> Draft:
    draft = draft_from_files(None, "orders", facts, provenance=WHY, contract_id="orders", **more)
    assert draft is not None
    return draft


def clauses(draft: Draft) -> dict[str, tuple[float, bool]]:
    """The clauses of columns, with how sure they are and whether they were adopted."""
    return {
        f"{change.path.rpartition('.')[2]} {change.clause}": (round(change.confidence, 3), change.adopted)
        for change in draft.changes
        if change.clause
    }


def test_parquet_types_are_exact_and_clauses_come_from_footers(tmp_path: Path) -> None:
    columns = {
        "id": list(range(ROWS)),
        "price": [Decimal(number) / 4 for number in range(1, ROWS + 1)],
        "share": pa.array([0.0, 1.0] * (ROWS // 2), pa.float32()),
        "at": [dt.datetime(2024, 1, 1, number % 24) for number in range(ROWS)],
        "utc": pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * ROWS, pa.timestamp("us", "UTC")),
        "day": [dt.date(2024, 1, 1)] * ROWS,
        "note": [None if number % 3 else "x" for number in range(ROWS)],
        "line": [{"sku": "a", "count": number} for number in range(ROWS)],
        "tags": [["a"]] * ROWS,
        "map": pa.array([[("k", 1)]] * ROWS, pa.map_(pa.string(), pa.int16())),
        "blob": [b"x"] * ROWS,
        "big": pa.array(range(ROWS), pa.uint64()),
        "kind": pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
    }
    facts = file_facts([parquet(tmp_path / "a.parquet", columns, row_group_size=20)])
    assert types(facts.schema) == {
        "id": "BIGINT",
        "price": "DECIMAL(4,2)",
        "share": "FLOAT",
        "at": "TIMESTAMP_NTZ",
        "utc": "TIMESTAMP",
        "day": "DATE",
        "note": "STRING",
        "line": "STRUCT<`sku`: STRING, `count`: BIGINT>",
        "tags": "ARRAY<STRING>",
        "map": "MAP<STRING, SMALLINT>",
        "blob": "BINARY",
        "big": "DECIMAL(20,0)",
        "kind": "STRING",
    }
    assert (facts.rows, facts.exact, facts.whole) == (ROWS, True, True)
    found = clauses(drafted(facts))
    assert found["id required"] == (0.995, True)
    assert found["price logicalTypeOptions.minimum"] == (0.995, True)
    assert found["price logicalTypeOptions.maximum"] == (0.5, False)
    assert found["share logicalTypeOptions.maximum"] == (0.999, True)
    assert found["day logicalTypeOptions.minimum"] == (0.999, True)
    assert found["day logicalTypeOptions.maximum"] == (0.5, False)
    assert found["count required"] == (0.995, True)
    assert "note required" not in found
    assert not any(name.startswith(("tags", "map", "element", "kind logical")) for name in found)


def test_clauses_that_are_sure_enough_are_in_the_document(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"price": [Decimal(number) / 4 for number in range(1, 101)]})
    facts = file_facts([path])
    (price,) = drafted(facts).contract.schema[0].properties
    assert price.required
    assert price.options is not None
    assert [(bound.value, bound.inclusive) for bound in price.options.lower] == [(0, True)]
    assert price.options.upper == ()
    (bold,) = drafted(facts, threshold=0.4).contract.schema[0].properties
    assert bold.options is not None
    assert [bound.value for bound in bold.options.upper] == [25]
    (careful,) = drafted(facts, threshold=1.0).contract.schema[0].properties
    assert (careful.required, careful.options) == (False, None)
    assert "elsewhere" not in str(drafted(facts).contract.source)


def test_many_files_are_one_and_hidden_ones_are_none(tmp_path: Path) -> None:
    for number in range(3):
        parquet(tmp_path / f"{number}.parquet", {"n": [number, number + 10]})
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "_delta_log" / "0.json").write_text("{}", encoding="utf-8")
    facts = file_facts([str(tmp_path)])
    (column,) = facts.columns
    assert (facts.rows, len(facts.files)) == (6, 3)
    assert (column.lowest, column.at_lowest, column.highest, column.at_highest) == (0, 1, 12, 1)
    parquet(tmp_path / "z.parquet", {"n": ["text"]})
    with pytest.raises(ConfigurationError, match=r"LP883: '.*z\.parquet' has another schema than '.*0\.parquet'"):
        file_facts([str(tmp_path)])


def test_files_of_an_object_storage_are_read_in_place() -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    with system.open("/drafts-test/a.csv", "wb") as stream:
        stream.write(b"id,name\n1,a\n2,b\n")
    assert types(file_facts(["memory://drafts-test"]).schema) == {"id": "BIGINT", "name": "STRING"}
    with pytest.raises(UsageError, match=r"LP885: there is no file of data at 'memory://drafts-test/b\.csv'"):
        file_facts(["memory://drafts-test/b.csv"])
    with pytest.raises(UsageError, match="LP885: 'nothing://a' is no address that fsspec can open"):
        file_facts(["nothing://a"])


def test_the_schema_that_spark_wrote_counts(tmp_path: Path) -> None:
    schema = {
        "type": "struct",
        "fields": [
            {
                "name": "c",
                "type": "string",
                "nullable": True,
                "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "varchar(7)"},
            }
        ],
    }
    table = pa.table({"c": ["a"]}).replace_schema_metadata(
        {"org.apache.spark.sql.parquet.row.metadata": json.dumps(schema)}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert types(file_facts([str(tmp_path)]).schema) == {"c": "VARCHAR(7)"}


def test_old_timestamps_are_moments(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"at": [dt.datetime(2024, 1, 1)]}, use_deprecated_int96_timestamps=True)
    assert types(file_facts([path]).schema) == {"at": "TIMESTAMP"}


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(ConfigurationError, match=r"LP883: '.*a\.parquet' cannot be read as a Parquet file"):
        file_facts([str(tmp_path)])


def test_footers_without_statistics_say_nothing_of_values(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"n": [1, 2]}, write_statistics=False)
    assert list(candidates(file_facts([path]))) == []


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "a.parquet", {"n": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ExtraMissing, match=r"LP884: Parquet files need pyarrow.*\n  hint: pip install 'lakepact\[local\]'"
    ):
        file_facts([path])


def csv(text: str, *, more: bool = False) -> FileFacts:
    return csv_facts({"a.csv": (text.encode(), more)})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-20"], "BIGINT"),
        (["1", "2.50", "-10.123"], "DECIMAL(5,3)"),
        (["1e5", "2"], "DOUBLE"),
        (["true", "False"], "BOOLEAN"),
        (["2024-01-31", "2024-02-29"], "DATE"),
        (["2024-01-31", "2024-02-30"], "STRING"),
        (["2024-01-31T10:00:00Z", "2024-01-31T10:00:00+02:00"], "TIMESTAMP"),
        (["2024-01-31 10:00"], "TIMESTAMP_NTZ"),
        (["2024-01-31 10:00", "2024-01-31T10:00:00Z"], "STRING"),
        (["007", "1"], "STRING"),
        (["", ""], "VOID"),
        (["12345678901234567890"], "STRING"),
        (["1" * 30 + "." + "1" * 10], "DOUBLE"),
        (["a b"], "STRING"),
    ],
)
def test_types_of_csv_values(values: list[str], expected: str) -> None:
    assert types(csv("c,d\n" + "".join(f"{value},x\n" for value in values)).schema)["c"] == expected


def test_a_sample_that_ends_within_a_line_counts_whole_lines() -> None:
    facts = csv('a;b\n1;"x;y"\n2;z\n3', more=True)
    assert (facts.rows, facts.whole, types(facts.schema)) == (2, False, {"a": "BIGINT", "b": "STRING"})
    assert facts.columns[1].values == {"x;y": 1, "z": 1}


@pytest.mark.parametrize("text", ["", "a,a\n1,2\n", "a,\n1,2\n"])
def test_a_csv_file_without_names_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"LP883: .*its first line does not name the columns"):
        csv(text)


def test_csv_files_of_other_columns_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"LP883: .* from 'b': its columns are not those of a"):
        csv_facts({"a": (b"x,y\n1,2\n", False), "b": (b"x,z\n1,2\n", False)})


def test_enumerations_patterns_and_keys_come_from_samples() -> None:
    lines = [f"{number},{'EUR' if number % 3 else 'USD'},{10115 + number},r{number}@a.de" for number in range(100)]
    draft = drafted(csv("order_id,currency,zip,mail\n" + "\n".join(lines) + "\n"))
    key, currency, zipped, mail = draft.contract.schema[0].properties
    assert (key.unique, key.required, zipped.unique) == (True, True, False)
    assert currency.quality[0].arguments["validValues"] in (["EUR", "USD"], ("EUR", "USD"))
    assert clauses(draft)["zip unique"] == (0.5, False)
    assert mail.options is not None
    assert mail.options.pattern == r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
    part = csv_facts({"a": (b"order_id\n" + b"".join(b"%d\n" % n for n in range(100)), True)})
    assert clauses(drafted(part))["order_id unique"] == (0.5, False)


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["01234", "99999"], "^[0-9]{5}$"),
        (["DE", "FR"], "^[A-Z]{2}$"),
        (["A1", "2B"], "^[0-9A-Z]{2}$"),
        (["a1b2", "ffff"], "^[0-9a-f]{4}$"),
        (["2024-01-31"], "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        (["a", "bb"], None),
        (["é", "à"], None),
    ],
)
def test_shapes(values: list[str], pattern: str | None) -> None:
    found = shape_of(values)
    assert (found[0] if found else None) == pattern


def test_json_samples_have_nested_types() -> None:
    rows: list[Any] = [
        {"id": 1, "price": 1, "line": {"sku": "a"}, "tags": ["x"], "none": None, "mixed": 1, "big": 2**70},
        {"id": 2, "price": 1.5, "line": {"count": 3}, "tags": [], "mixed": "a", "big": 1},
    ]
    expected = {
        "id": "BIGINT",
        "price": "DOUBLE",
        "line": "STRUCT<`sku`: STRING, `count`: BIGINT>",
        "tags": "ARRAY<STRING>",
        "none": "VOID",
        "mixed": "STRING",
        "big": "DOUBLE",
    }
    lines = "\n".join(map(json.dumps, rows)).encode()
    listed = json.dumps(rows, indent=1).encode()
    for content in (lines, listed):
        assert types(json_facts({"a": (content, False)}).schema) == expected
    cut = json_facts({"a": (listed[:-40], True)})
    assert (cut.rows, cut.whole) == (1, False)
    with pytest.raises(ConfigurationError, match=r"LP883: .* from 'a': line 2 is no JSON"):
        json_facts({"a": (b'{"a": 1}\n{"a"', False)})
    with pytest.raises(ConfigurationError, match=r"LP883: .* no object is in its first bytes"):
        json_facts({"a": (b"[1, 2]", False)})


BASE = b"""\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: string, required: true}  # text on purpose
      - {name: price, logicalType: number, physicalType: 'DECIMAL(10,2)', logicalTypeOptions: {minimum: 1}}
      - {name: day, logicalType: date}
"""


def base() -> Contract:
    return load_contract(BASE)


def test_an_inferred_type_replaces_none_that_holds_the_same_values() -> None:
    text = "id,price,day\n" + "".join(f"{number},{number},2024-01-0{number % 9 + 1}\n" for number in range(1, 50))
    draft = draft_from_files(base(), "orders", csv(text), provenance=WHY)
    assert draft is not None
    assert [change.path.rpartition(".")[2] for change in draft.changes if change.kind == "retyped"] == []
    other = draft_from_files(base(), "orders", csv("id,price,day\na,1.123,x\n"), provenance=WHY)
    assert other is not None
    assert [change.text for change in other.changes if change.kind == "retyped"] == [
        "the type of `price` is DECIMAL(4,3), not DECIMAL(10,2)",
        "the type of `day` is STRING, not DATE",
    ]


def test_clauses_that_are_there_stay_and_new_columns_are_not_required() -> None:
    text = "id,price,day,new\n" + "".join(f"i{n:03},{n},2024-01-01,{n % 2}\n" for n in range(100))
    draft = draft_from_files(base(), "orders", csv(text), provenance=WHY)
    assert draft is not None
    identity, price, day, new = draft.contract.schema[0].properties
    assert identity.unique
    assert price.options is not None
    assert [bound.value for bound in price.options.lower] == [1]
    assert (day.required, new.required) == (True, False)
    assert "# text on purpose" in draft.contract.source.decode()
    said = draft.contract.custom_properties[0].value
    assert isinstance(said, dict)
    assert said["statistics"] == {"files": ["a.csv"], "rows": 100, "sample": False}


def test_files_that_are_not_there_or_of_several_forms_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n", encoding="utf-8")
    (tmp_path / "b.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="LP885: there is no file of data at 'none'"):
        file_facts(["none"])
    with pytest.raises(UsageError, match="LP885: no file is named"):
        file_facts([])
    with pytest.raises(UsageError, match="LP885: the names do not say that all files have one form"):
        file_facts([str(tmp_path)])
    assert file_facts([str(tmp_path / "a.csv")], form="csv").rows == 0


def test_an_empty_column_gives_no_clause() -> None:
    column = ColumnFacts(("a",), AtomicType("STRING"), 0, 0)
    assert list(candidates(FileFacts(StructType(()), 0, [column], exact=True, whole=True))) == []


_CELLS = st.one_of(
    st.integers(-99, 99).map(str),
    st.decimals(-99, 99, places=2).map(str),
    st.sampled_from(("", "a", "b", "true", "2024-01-31", "2024-01-31T10:00:00", "DE")),
)


@settings(max_examples=40)
@given(rows=st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=40), threshold=st.floats(0, 1))
def test_the_files_that_a_draft_describes_give_no_draft(rows: list[tuple[str, str]], threshold: float) -> None:
    facts = csv("key_id,other\n" + "".join(f"{one},{two}\n" for one, two in rows))
    draft = drafted(facts, threshold=threshold)
    assert draft_from_files(draft.contract, "orders", facts, provenance=WHY, threshold=threshold) is None
