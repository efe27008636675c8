from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from importing import custom, loaded, objects, properties

from lakepact.convert.unity_catalog import convert_unity_catalog
from lakepact.errors import RemoteFailed, UsageError
from lakepact.testing.workspace_tables import WorkspaceTables

sdk = pytest.importorskip("databricks.sdk")


@pytest.fixture
def workspace() -> Iterator[WorkspaceTables]:
    with WorkspaceTables() as found:
        found.add_table(
            "main.sales.customers",
            owner="ann@example.com",
            columns=[column("id", "long", position=0, nullable=False)],
            table_constraints=[{"primary_key_constraint": {"name": "pk_c", "child_columns": ["id"], "rely": True}}],
        )
        found.add_table(
            "main.sales.orders",
            owner="bob@example.com",
            comment="Orders",
            storage_location="s3://bucket/orders",
            properties={
                "delta.constraints.positive": "amount > 0",
                "delta.constraints.both": "amount > id",
                "delta.enableChangeDataFeed": "true",
                "delta.lastUpdateVersion": "3",
                "clusteringColumns": '[["id"]]',
                "lakepact.contract.id": "old",
            },
            columns=[
                column("id", "long", position=0, nullable=False, comment="key"),
                column(
                    "cust id", "long", position=1, mask={"function_name": "main.f.mask", "using_column_names": ["id"]}
                ),
                column("amount", "decimal(9,2)", position=2),
                {"name": "note", "type_text": "char(3)", "position": 3},
                column("nested", NESTED, position=4),
            ],
            row_filter={"function_name": "main.f.filter", "input_column_names": ["id"]},
            table_constraints=[
                {"primary_key_constraint": {"name": "pk_o", "child_columns": ["id"]}},
                foreign_key("fk_c", "main.sales.customers"),
                foreign_key("fk_x", "main.other.things"),
            ],
        )
        found.add_table(
            "main.sales.recent",
            **{
                "table_type": "VIEW",
                "view_definition": "SELECT 1 AS a",
                "columns": [column("a", "integer", position=0)],
            },
        )
        for key, value in (("team", "sales"), ("gold", ""), ("tier", "1")):
            found.add_tag("tables", "main.sales.orders", key, value)
        found.add_tag("columns", "main.sales.orders.cust id", "classification", "pii")
        found.add_tag("columns", "main.sales.orders.cust id", "critical_data_element", "true")
        yield found


NESTED = {
    "type": "struct",
    "fields": [{"name": "x", "type": "string", "nullable": False, "metadata": {"comment": "inner"}}],
}


def column(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    """A column as the API gives it: its type as text, and as a field of Spark's JSON."""
    node = {"name": name, "type": kind, "nullable": more.get("nullable", True), "metadata": {}}
    return {"name": name, "type_text": str(kind), "type_json": json.dumps(node), **more}


def foreign_key(name: str, parent: str) -> dict[str, Any]:
    return {
        "foreign_key_constraint": {
            **{"name": name, "child_columns": ["cust id"], "parent_table": parent, "parent_columns": ["id"]},
        }
    }


def client(workspace: WorkspaceTables, **settings: Any) -> Any:
    return sdk.WorkspaceClient(**{"host": workspace.url, "token": workspace.token, **settings})


def test_a_table_comes_with_everything_that_the_catalog_says(workspace: WorkspaceTables) -> None:
    converted = convert_unity_catalog(client(workspace), "main.sales.orders")
    contract = loaded(converted)
    (orders,) = objects(converted).values()
    assert (contract.id, orders["physicalType"], orders["description"]) == ("main-sales-orders", "table", "Orders")
    assert orders["tags"] == ["team:sales", "gold", "tier:1"]
    assert custom(orders) == {
        "lakepact.tableType": "MANAGED",
        "lakepact.format": "DELTA",
        "lakepact.location": "s3://bucket/orders",
        "lakepact.rowFilter": {"function": "main.f.filter", "columns": ["id"]},
        "lakepact.owner": "bob@example.com",
        "lakepact.primaryKey": {"name": "pk_o"},
        "delta.enableChangeDataFeed": "true",
        "clusterBy": ["id"],
        "lakepact.foreignKey": {
            **{"name": "fk_x", "columns": ["cust id"]},
            **{"references": "main.other.things", "referencedColumns": ["id"]},
        },
    }
    columns = properties(orders)
    assert columns["id"] == {
        **{"name": "id", "logicalType": "integer", "physicalType": "BIGINT", "description": "key", "required": True},
        **{"primaryKey": True, "primaryKeyPosition": 1},
    }
    masked = columns["cust id"]
    assert (masked["classification"], masked["criticalDataElement"], "tags" in masked) == ("pii", True, False)
    assert custom(masked) == {"lakepact.mask": {"function": "main.f.mask", "columns": ["id"]}}
    assert columns["note"]["physicalType"] == "CHAR(3)"
    assert columns["nested"]["properties"] == [
        {"name": "x", "logicalType": "string", "physicalType": "STRING", "description": "inner", "required": True}
    ]


def test_check_constraints_become_clauses_or_queries(workspace: WorkspaceTables) -> None:
    (orders,) = objects(convert_unity_catalog(client(workspace), "main.sales.orders")).values()
    amount = properties(orders)["amount"]
    assert (amount["logicalTypeOptions"], amount["required"]) == ({"exclusiveMinimum": 0}, True)
    assert custom(amount)["lakepact.action"] == "fail"
    (both,) = orders["quality"]
    assert both["query"] == "SELECT COUNT(*) FROM {object} WHERE NOT coalesce((amount > id), FALSE)"
    assert (both["name"], both["mustBe"], custom(both)) == ("both", 0, {"lakepact.action": "fail"})


def test_owner_and_place_are_team_and_server(workspace: WorkspaceTables) -> None:
    contract = loaded(convert_unity_catalog(client(workspace), "main.sales.orders"))
    (server,) = contract.servers
    assert (server.type, dict(server.settings)) == (
        "databricks",
        {"host": workspace.url, "catalog": "main", "schema": "sales"},
    )
    assert contract.team is not None
    assert [(member.username, member.role) for member in contract.team.members] == [("bob@example.com", "owner")]


def test_a_schema_is_one_contract_with_the_keys_between_its_tables(workspace: WorkspaceTables) -> None:
    converted = convert_unity_catalog(client(workspace), "main.sales")
    found = objects(converted)
    assert list(found) == ["customers", "orders", "recent"]
    assert converted.document["id"] == "main-sales"
    (relationship,) = properties(found["orders"])["cust id"]["relationships"]
    assert (relationship["to"], custom(relationship)) == ("customers.id", {"lakepact.constraint": "fk_c"})
    assert custom(found["customers"])["lakepact.primaryKey"] == {"name": "pk_c", "rely": True}
    assert (found["recent"]["physicalType"], custom(found["recent"])["lakepact.viewDefinition"]) == (
        "view",
        "SELECT 1 AS a",
    )
    assert [problem.message for problem in converted.problems] == [
        "the foreign key fk_x of 'orders' leads to main.other.things, which is not in this contract"
    ]


def test_several_names_are_one_contract(workspace: WorkspaceTables) -> None:
    workspace.add_table("main.other.orders", columns=[column("id", "long", position=0)])
    converted = convert_unity_catalog(client(workspace), ["main.sales.orders", "main.other.orders"])
    found = objects(converted)
    assert {name: entry.get("physicalName") for name, entry in found.items()} == {
        "orders": None,
        "other_orders": "orders",
    }
    assert [server["server"] for server in converted.document["servers"]] == ["main.sales", "main.other"]


def test_a_key_of_several_columns_stands_on_the_object(workspace: WorkspaceTables) -> None:
    pair = [column("a b", "long", position=0, nullable=False), column("c", "long", position=1, nullable=False)]
    workspace.add_table(
        "main.k.parent",
        columns=pair,
        table_constraints=[{"primary_key_constraint": {"name": "pk", "child_columns": ["c", "a b"]}}],
    )
    workspace.add_table(
        "main.k.child",
        columns=pair,
        table_constraints=[
            {
                "foreign_key_constraint": {
                    **{"name": "fk", "child_columns": ["a b", "c"]},
                    **{"parent_table": "main.k.parent", "parent_columns": ["a b", "c"]},
                }
            }
        ],
    )
    found = objects(convert_unity_catalog(client(workspace), "main.k"))
    (relationship,) = found["child"]["relationships"]
    assert relationship["from"] == ["schema/child/properties/a-b", "child.c"]
    assert relationship["to"] == ["schema/parent/properties/a-b", "parent.c"]
    positions = {name: entry["primaryKeyPosition"] for name, entry in properties(found["parent"]).items()}
    assert positions == {"a b": 2, "c": 1}


def test_tags_that_may_not_be_read_are_told(workspace: WorkspaceTables) -> None:
    workspace.refuse("/api/2.1/unity-catalog/entity-tag-assignments/columns/main.sales.recent", message="no APPLY TAG")
    converted = convert_unity_catalog(client(workspace), "main.sales.recent")
    assert [str(problem) for problem in converted.problems] == [
        "main.sales.recent: warning LP821: the tags of main.sales.recent.a: no APPLY TAG"
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("main.sales.none", "the workspace does not give main.sales.none: Table 'main.sales.none' does not exist."),
        ("main.none", "the workspace does not give main.none: Schema 'main.none' does not exist."),
    ],
)
def test_what_is_not_there_is_a_failure_of_the_workspace(workspace: WorkspaceTables, name: str, message: str) -> None:
    with pytest.raises(RemoteFailed, match="LP828") as caught:
        convert_unity_catalog(client(workspace), name)
    assert caught.value.message == message
    assert caught.value.exit_code == 4


def test_a_wrong_token_is_a_failure_of_the_workspace(workspace: WorkspaceTables) -> None:
    with pytest.raises(RemoteFailed, match="Invalid access token"):
        convert_unity_catalog(client(workspace, token="wrong"), "main.sales.orders")


@pytest.mark.parametrize("name", ["orders", "a.b.c.d", ""])
def test_what_is_no_name_is_refused(workspace: WorkspaceTables, name: str) -> None:
    with pytest.raises(UsageError, match="is no name in Unity Catalog") as caught:
        convert_unity_catalog(client(workspace), name)
    assert caught.value.code == "LP826"


def test_no_name_at_all_is_refused(workspace: WorkspaceTables) -> None:
    with pytest.raises(UsageError, match="there is no table"):
        convert_unity_catalog(client(workspace), [])
