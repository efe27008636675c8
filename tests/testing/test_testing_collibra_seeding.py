"""The file that fills the double of Collibra."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakepact.testing.collibra_seeding import read_seed, seed_server
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract


def read(folder: Path, text: str):  # type: ignore[no-untyped-def]
    (folder / "seed.yml").write_text(text)
    (folder / "orders.yaml").write_bytes(contract().source)
    return read_seed(folder / "seed.yml")


def test_a_seed_makes_what_it_says(tmp_path: Path) -> None:
    text = """
statuses: [Draft]
attributes: {Rows Passed: NUMERIC, Run id: }
tables: {a>b>orders: [id, amount], a>b>rides: }
workflows: [Review]
ports:
  gold: {tables: [a>b>orders], product: Sales, contract: orders.yaml, status: Accepted}
  silver: {product: Sales}
"""
    with CollibraServer() as server:
        ports = seed_server(server, read(tmp_path, text))
        tables = server.state.tables
        names = {row["name"]: row["id"] for row in tables["assets"].values()}
        assert {"a>b>orders", "a>b>rides", "a>b>orders>id(column)", "Sales", "gold contract"} <= names.keys()
        assert (ports["gold"], ports["silver"]) == (names["gold"], names["silver"])
        assert server.asset_status(names["gold contract"]) == "Accepted"
        (row,) = tables["contracts"].values()
        assert (row["id"], row["manifestId"], row["active"]) == (names["gold contract"], "orders", "1.0.0")
        assert list(server.state.manifests.values()) == [contract().source]
        exposed = {each["targetId"] for each in server.state.relations(source=names["Sales"])}
        assert exposed == set(ports.values())
        kinds = {each["name"]: each["kind"] for each in tables["attribute_types"].values()}
        assert (kinds["Rows Passed"], kinds["Run id"]) == ("NUMERIC", "STRING")
        assert [each["name"] for each in tables["workflows"].values()] == ["Review"]
        assert "Draft" in {each["name"] for each in tables["statuses"].values()}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "it is no mapping in YAML"),
        ("a: [", "it is no mapping in YAML"),
        (
            "contracts: []",
            "it has the unknown key `contracts`; known are statuses, attributes, tables, ports, workflows",
        ),
        ("tables: 3", "`tables` is neither a list nor a mapping"),
        ("tables: {a: [1]}", "`a` is no list of texts"),
        ("statuses: Draft", "`statuses` is no list of texts"),
        ("ports: {a: 3}", "the port 'a' is no mapping"),
        ("ports: {a: {table: x}}", "the port 'a' has the unknown key `table`"),
        ("ports: {a: {tables: [x]}}", "the port 'a' has the table 'x', which `tables` does not have"),
        ("ports: {a: {status: Draft}}", "the port 'a' has a status and no contract"),
        ("ports: {a: {contract: none.yaml}}", r"the contract .*none\.yaml cannot be read: No such file"),
    ],
)
def test_what_is_no_seed_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=rf"seed\.yml is no seed of a Collibra: {why}"):
        read(tmp_path, text)


def test_a_seed_that_the_tenant_refuses_says_why(tmp_path: Path) -> None:
    text = "ports: {a: {contract: orders.yaml}, b: {contract: orders.yaml}}"
    with CollibraServer() as server, pytest.raises(ValueError, match=r"^the seed cannot be made: .* 'orders' already"):
        seed_server(server, read(tmp_path, text))
