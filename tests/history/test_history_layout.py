"""Layouts: which files are contracts, where they belong, which versions there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_samples import contract
from lakepact.contract import load_contract
from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.errors import ConfigurationError, UsageError
from lakepact.history import DEFAULT_LAYOUT, Layout, contract_files, repeated_versions, versions_of

HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: urn:x:orders\nversion: 2.3.4-rc.1\nstatus: active\n"
FULL = f"""{HEADER}name: Orders
domain: sales
tenant: acme
dataProduct: shop
customProperties:
  - {{property: source, value: stripe}}
schema:
  - name: orders
"""


def put(folder: Path, path: str, content: str | bytes) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (DEFAULT_LAYOUT, "sales/v2.3/orders.yaml"),
        ("{source}/v{major}.{minor}/{object}.yaml", "stripe/v2.3/orders.yaml"),
        ("{tenant}/{product}/{name}-{version}.odcs.yaml", "acme/shop/Orders-2.3.4-rc.1.odcs.yaml"),
        ("{id}/{major}.{minor}.{patch}.yml", "urn:x:orders/2.3.4.yml"),
        ("all.yaml", "all.yaml"),
    ],
)
def test_where_a_contract_belongs(pattern: str, path: str) -> None:
    assert Layout.parse(pattern).path_of(load_contract(FULL.encode())) == path


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ("schema:\n  - name: orders\n", "orders"),
        ("name: Shop\nschema:\n  - name: orders\n  - name: items\n", "Shop"),
        ("schema:\n  - name: orders\n  - name: items\n", "urn:x:orders"),
        ("", "urn:x:orders"),
    ],
)
def test_the_object_of_a_contract_with_none_or_several(extra: str, name: str) -> None:
    assert Layout.parse("{object}.yaml").path_of(load_contract((HEADER + extra).encode())) == f"{name}.yaml"


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        (
            "{domian}/a.yaml",
            "layout `{domian}/a.yaml` has the unknown placeholder {domian}",
            "placeholders: {domain}, ",
        ),
        ("{domain/a.yaml", "layout `{domain/a.yaml` has a brace without its partner", "placeholders: {domain}, "),
        ("a}.yaml", "layout `a}.yaml` has a brace without its partner", "placeholders: {domain}, "),
        ("/{id}.yaml", "layout `/{id}.yaml` is not a path below a folder", f"write for example {DEFAULT_LAYOUT}"),
        ("../{id}.yaml", "layout `../{id}.yaml` is not a path below a folder", f"write for example {DEFAULT_LAYOUT}"),
        ("", "layout `` is not a path below a folder", f"write for example {DEFAULT_LAYOUT}"),
        ("a\\{id}.yaml", "is not a path below a folder", f"write for example {DEFAULT_LAYOUT}"),
    ],
)
def test_what_is_no_layout(pattern: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        Layout.parse(pattern)
    assert caught.value.code == "LP786"
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("{domain}.yaml", "has no value for {domain} of the layout {domain}.yaml", "add `domain`"),
        ("{source}.yaml", "has no value for {source} of the layout {source}.yaml", "add the custom property `source`"),
        ("{product}.yaml", "has no value for {product} of the layout {product}.yaml", "add `dataProduct`"),
    ],
)
def test_what_a_contract_lacks_for_a_layout(pattern: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"LP787: contract 'urn:x:orders' {message}")) as caught:
        Layout.parse(pattern).path_of(load_contract(HEADER.encode()))
    assert caught.value.hint == hint


@pytest.mark.parametrize("value", ["..", ".hidden", "a/b", "../../etc", "a\\b", "a\nb", "\x1b[31m"])
def test_a_value_cannot_lead_out_of_the_folder(value: str) -> None:
    document = f"{HEADER}domain: {json.dumps(value)}\n"
    with pytest.raises(ConfigurationError, match=r"(?s)LP787: contract .* for \{domain\}, which is no name of a file"):
        Layout.parse("{domain}/x.yaml").path_of(load_contract(document.encode()))


def test_a_version_without_numbers_has_no_place() -> None:
    document = HEADER.replace("2.3.4-rc.1", '"2026-01-31"')
    with pytest.raises(ConfigurationError, match=re.escape("has no value for {major}")) as caught:
        Layout.parse("v{major}/a.yaml").path_of(load_contract(document.encode()))
    assert caught.value.hint == "write a semantic version, for example 1.4.0"


def test_contracts_are_told_from_other_files(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", contract())
    put(tmp_path, "b/c.yml", 'kind: "DataContract"\r\nid: b\r\n')
    put(tmp_path, "d.json", '{\n  "kind": "DataContract"}')
    put(tmp_path, "e.odcs.yaml", "a: [")
    put(tmp_path, "f.yaml", b"\xef\xbb\xbfapiVersion: v3.0.2\nkind: Oops\n")
    put(tmp_path, "flow.yaml", "{apiVersion: v3.1.0}\n")
    put(tmp_path, "deployment.yaml", "apiVersion: v1\nkind: Deployment\n")
    put(tmp_path, "lakepact.yml", "contracts: contracts\n")
    put(tmp_path, "package.json", '{"name": "x"}')
    put(tmp_path, "notes.md", "kind: DataContract\n")
    put(tmp_path, ".hidden/g.yaml", contract())
    put(tmp_path, ".h.yaml", contract())
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    (tmp_path / "loop").symlink_to(".")
    found = contract_files(tmp_path)
    assert [file.path for file in found] == ["a.yaml", "b/c.yml", "d.json", "e.odcs.yaml", "f.yaml", "flow.yaml"]
    assert [file.path for file in found if file.contract] == ["a.yaml"]
    assert [problem.code for problem in found[3].problems] == ["LP104"]
    assert found[3].problems[0].file == str(tmp_path / "e.odcs.yaml")


def test_a_huge_contract_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "huge.odcs.yaml").open("wb") as stream:
        stream.truncate(1 << 30)
    (file,) = contract_files(tmp_path)
    assert (file.contract, file.content) == (None, None)
    assert str(file.problems[0]) == (
        f"{tmp_path / 'huge.odcs.yaml'}: error LP784: the document is larger than the limit of {MAX_BYTES:,} bytes\n"
        "  hint: split the contract"
    )


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(f"LP783: there is no folder '{tmp_path / 'none'}'")):
        contract_files(tmp_path / "none")


def test_only_documents_that_may_have_an_id_are_read(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", contract(id="orders"))
    put(tmp_path, "b.yaml", contract(id="customers").replace("orders", "x"))
    put(tmp_path, "c.yaml", contract(id=r'"\x6frders"').replace("name: orders", "name: x"))
    found = contract_files(tmp_path, contract_id="orders")
    assert [(file.path, file.contract.id if file.contract else None) for file in found] == [
        ("a.yaml", "orders"),
        ("c.yaml", "orders"),
    ]


def test_files_that_stand_elsewhere(tmp_path: Path) -> None:
    put(tmp_path, "sales/v1.0/orders.yaml", contract("1.0.7"))
    put(tmp_path, "sales/v1.0/customers.yaml", contract("1.1.0", id="customers"))
    put(tmp_path, "sales/v9.0/nameless.yaml", contract("9.0.0", domain=None))
    put(tmp_path, "broken.odcs.yaml", "a: [")
    first, second = Layout.parse(DEFAULT_LAYOUT).problems(contract_files(tmp_path))
    assert str(first) == (
        f"{tmp_path}/sales/v1.0/customers.yaml:4:10: error LP787: 'sales/v1.0/customers.yaml' is not where version "
        "1.1.0 of the contract belongs\n  hint: move it to 'sales/v1.1/orders.yaml', or correct what the layout "
        "{domain}/v{major}.{minor}/{object}.yaml is made of"
    )
    assert str(second) == (
        f"{tmp_path}/sales/v9.0/nameless.yaml:1:1: error LP787: contract 'orders' has no value for {{domain}} of the "
        "layout {domain}/v{major}.{minor}/{object}.yaml\n  hint: add `domain`"
    )


def test_the_versions_of_a_contract_are_in_their_order(tmp_path: Path) -> None:
    for version in ("1.10.0", "1.9.0", "2.0.0-rc.1", "2.0.0", '"soon"'):
        put(tmp_path, f"{version.strip(chr(34))}.yaml", contract(version))
    put(tmp_path, "other.yaml", contract("1.9.5", id="other"))
    versions = versions_of(contract_files(tmp_path), "orders")
    assert [file.path for file in versions] == [
        *("soon.yaml", "1.9.0.yaml", "1.10.0.yaml", "2.0.0-rc.1.yaml", "2.0.0.yaml")
    ]


def test_one_version_in_two_files(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", contract("1.0.0"))
    put(tmp_path, "b.yaml", contract("v1.0"))
    put(tmp_path, "c.yaml", contract("1.0.0", id="other"))
    (problem,) = repeated_versions(contract_files(tmp_path))
    assert str(problem) == (
        f"{tmp_path}/b.yaml:4:10: error LP787: version v1.0 of contract 'orders' is in 'a.yaml' too\n"
        "  hint: give one of them another version, or remove it"
    )


@settings(max_examples=40)
@given(
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 99),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8),
)
def test_a_file_where_its_contract_belongs_has_no_problem(
    tmp_path_factory: pytest.TempPathFactory, major: int, minor: int, patch: int, domain: str
) -> None:
    folder = tmp_path_factory.mktemp("layout")
    layout = Layout.parse(DEFAULT_LAYOUT)
    quoted = domain.replace("'", "''")
    document = contract(f"{major}.{minor}.{patch}", domain=f"'{quoted}'")
    loaded = load_contract(document.encode())
    assert loaded.domain == domain
    try:
        path = layout.path_of(loaded)
    except ConfigurationError:
        assert domain.startswith(".") or "/" in domain or "\\" in domain
        return
    put(folder, path, document)
    assert path == f"{domain}/v{major}.{minor}/orders.yaml"
    assert layout.problems(contract_files(folder)) == ()
