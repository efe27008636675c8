"""Names and ids that collide or cannot be used."""

from __future__ import annotations

from lint_documents import document, found, properties


def test_names_are_the_same_for_spark_whatever_their_case() -> None:
    source = properties("""
        - {name: order_ID, logicalType: string}
        - {name: Order_id, logicalType: string}
        - {name: order_ID, logicalType: string}
        - {name: order_Íd, logicalType: string}
    """)
    assert found(source) == [
        "10:16 error LP721 schema[0].properties[1].name: the property `Order_id` is there twice: `order_ID` stands at "
        "9:16; Spark does not tell upper from lower case (rename one of the two)",
        "11:16 error LP721 schema[0].properties[2].name: the property `order_ID` is there twice: another stands at "
        "9:16 (rename one of the two)",
    ]


def test_nested_properties_have_names_of_their_own() -> None:
    source = properties("""
        - name: a
          logicalType: object
          properties:
            - {name: x, logicalType: string}
            - {name: X, logicalType: string}
        - name: b
          logicalType: array
          items:
            logicalType: object
            properties:
              - {name: x, logicalType: string}
              - {name: x, logicalType: string}
    """)
    assert found(source) == [
        "13:20 error LP721 schema[0].properties[0].properties[1].name: the property `X` is there twice: `x` stands at "
        "12:20; Spark does not tell upper from lower case (rename one of the two)",
        "20:22 error LP721 schema[0].properties[1].items.properties[1].name: the property `x` is there twice: another "
        "stands at 19:22 (rename one of the two)",
    ]


def test_objects_by_name_and_by_table() -> None:
    source = document("""
        schema:
          - {name: orders}
          - {name: ORDERS}
          - {name: sales, physicalName: Orders}
          - {name: returns, physicalName: other}
    """)
    assert found(source) == [
        "8:12 error LP720 schema[1].name: the object `ORDERS` is there twice: `orders` stands at 7:12; Spark does not "
        "tell upper from lower case (rename one of the two)",
        "9:33 warning LP722 schema[2].physicalName: `sales` has the same table as `orders`: `Orders` (`orders` stands "
        "at 7:5; change one `physicalName`)",
    ]


def test_a_physical_name_may_collide_with_a_name() -> None:
    source = properties("""
        - {name: id, logicalType: string}
        - {name: key, physicalName: ID, logicalType: string}
    """)
    assert found(source) == [
        "10:35 error LP723 schema[0].properties[1].physicalName: `key` has the same column as `id`: `ID` (`id` stands "
        "at 9:9; change one `physicalName`)"
    ]


def test_a_measure_is_stored_in_no_column() -> None:
    source = properties(
        """
        - {name: id, logicalType: string}
        - {name: number, physicalName: id, logicalType: string, semanticType: measure}
        """,
        version="v3.2.0",
    )
    assert found(source) == []


def test_names_that_cannot_be_used() -> None:
    source = properties(r"""
        - {name: "", logicalType: string}
        - {name: " a", physicalName: "b\tc", logicalType: string}
        - {name: "a\u200e", logicalType: string}
        - {name: straße und Nr., logicalType: string}
    """)
    assert found(source) == [
        "9:16 error LP724 schema[0].properties[0].name: `name` is empty (write a plain name)",
        '10:16 warning LP724 schema[0].properties[1].name: `name` has spaces around it: " a" (write a plain name)',
        "10:36 error LP724 schema[0].properties[1].physicalName: `physicalName` has the invisible character U+0009 "
        "(write a plain name)",
        "11:16 error LP724 schema[0].properties[2].name: `name` has the invisible character U+200E "
        "(write a plain name)",
    ]


def test_ids_are_unique_in_their_list_and_only_there() -> None:
    source = document("""
        schema:
          - name: orders
            id: x
            quality:
              - {id: q, metric: rowCount, mustBeGreaterThan: 0}
              - {id: q, metric: rowCount, mustBeGreaterThan: 1}
            properties:
              - {name: a, id: q, logicalType: string}
          - name: lines
            id: x
    """)
    hint = "(give each its own; a reference could mean either)"
    assert found(source) == [
        f"11:14 error LP725 schema[0].quality[1].id: the `id` `q` is in this list twice; first at 10:14 {hint}",
        f"15:9 error LP725 schema[1].id: the `id` `x` is in this list twice; first at 8:9 {hint}",
    ]


def test_servers_roles_and_custom_properties_that_are_listed_twice() -> None:
    source = document("""
        servers:
          - {server: p, type: local, path: a, format: csv}
          - {server: p, type: local, path: b, format: csv}
          - {server: p, environment: test, type: local, path: b, format: csv}
        roles:
          - {role: r}
          - {role: r}
        customProperties:
          - {property: a, value: [{id: 1}, {id: 1}]}
          - {property: a, value: 2}
    """)
    hint = "(remove or rename one of the two)"
    assert found(source) == [
        f"8:14 warning LP726 servers[1].server: the server `p` is in this list twice; first at 7:14 {hint}",
        f"12:12 warning LP726 roles[1].role: the role `r` is in this list twice; first at 11:12 {hint}",
        f"15:16 warning LP726 customProperties[1].property: the custom property `a` is in this list twice; first at "
        f"14:16 {hint}",
    ]
