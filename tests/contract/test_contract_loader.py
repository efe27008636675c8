"""Loading: the errors of bad input word by word, the two modes, bytes and places."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from lakepact.contract import Mode, load_contract, read_contract
from lakepact.contract.model import ApiVersion, Place
from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.errors import ContractInvalid, Severity

HEADER = "apiVersion: v3.2.0\nkind: DataContract\nid: orders\nversion: 1.0.0\n"


def lines_of(document: str | bytes, *, mode: Mode = Mode.COMPATIBLE) -> list[str]:
    content = document if isinstance(document, bytes) else document.encode()
    return [str(problem) for problem in read_contract(content, file="c.yaml", mode=mode)[1]]


def test_the_smallest_contract() -> None:
    contract = load_contract(HEADER.encode())
    assert (contract.id, contract.version, contract.api_version) == ("orders", "1.0.0", ApiVersion.V3_2_0)
    assert contract.schema == ()
    assert contract.document == {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "orders", "version": "1.0.0"}
    assert contract.places["version"] == Place("version", 4, 10)


@pytest.mark.parametrize(
    "content", [HEADER.encode(), b"\xef\xbb\xbf" + HEADER.replace("\n", "\r\n").encode() + b"# end"]
)
def test_bytes_are_kept_as_they_are(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.odcs.yaml"
    path.write_bytes(content)
    for contract in (load_contract(content), load_contract(path), load_contract(str(path))):
        assert contract.source == content
        assert contract.sha256 == hashlib.sha256(content).hexdigest()


def test_a_path_names_itself_in_problems(tmp_path: Path) -> None:
    path = tmp_path / "c.odcs.yaml"
    path.write_text(HEADER + "nonsense: 1\n")
    _, problems = read_contract(path)
    assert str(problems[0]) == f"{path}:5:1: error LP131: a contract has no key `nonsense`"
    assert load_contract(HEADER.encode(), file="x.yaml").file == "x.yaml"
    path.write_text(HEADER)
    assert load_contract(path).file == str(path)


def test_json_is_yaml() -> None:
    content = (
        b'{\n\t"apiVersion": "v3.1.0", "kind": "DataContract",\n\t"id": "a", "version": "1.0", "status": "active"}'
    )
    assert load_contract(content).version == "1.0"


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ("", ["c.yaml:1:1: error LP105: the document is empty"]),
        (
            "null",
            [
                "c.yaml:1:1: error LP105: the document is empty\n"
                "  hint: a contract starts with `apiVersion`, `kind`, `id` and `version`"
            ],
        ),
        (
            "- a",
            [
                "c.yaml:1:1: error LP107: the document is not a mapping of keys and values\n"
                "  hint: a contract starts with `apiVersion`, `kind`, `id` and `version`"
            ],
        ),
        (
            "just text",
            [
                "c.yaml:1:1: error LP107: the document is not a mapping of keys and values\n"
                "  hint: a contract starts with `apiVersion`, `kind`, `id` and `version`"
            ],
        ),
        (
            HEADER + "---\nid: b\n",
            ["c.yaml:5:1: error LP106: a second YAML document starts here\n  hint: keep one contract in one file"],
        ),
        (
            HEADER.replace("DataContract", "DataProduct"),
            ["c.yaml:2:7: error LP120: `kind` is `DataProduct`, not `DataContract`\n  hint: write kind: DataContract"],
        ),
        (
            HEADER.replace("v3.2.0", "v4.0.0"),
            [
                "c.yaml:1:13: error LP121: unknown apiVersion `v4.0.0`\n"
                "  hint: accepted: v3.0.0, v3.0.1, v3.0.2, v3.1.0, v3.2.0"
            ],
        ),
        (
            HEADER.replace("v3.2.0", "v2.2.2") + "nonsense: 1\n",
            [
                "c.yaml:1:13: error LP122: apiVersion v2.2.2 is converted but not read\n"
                "  hint: lakepact convert writes it as version 3"
            ],
        ),
        (
            "kind: virtualDataset\nuuid: x\ndataset:\n  - table: t\n",
            [
                "c.yaml:3:1: error LP122: this is version 2 of the standard, which is converted but not read: "
                "it has `dataset`, no apiVersion\n"
                "  hint: lakepact convert writes it as version 3"
            ],
        ),
        (
            "a: 1\n",
            [
                "c.yaml:1:1: error LP131: a contract has no key `a`",
                "c.yaml:1:1: error LP130: a contract needs `version`",
                "c.yaml:1:1: error LP130: a contract needs `kind`",
                "c.yaml:1:1: error LP130: a contract needs `apiVersion`",
                "c.yaml:1:1: error LP130: a contract needs `id`",
            ],
        ),
        (
            HEADER.replace("orders", "") + "schema:\n  - name: [t]\n",
            [
                "c.yaml:3:4: error LP142: `id` has no value",
                "c.yaml:6:11: error LP132: `name` must be text, not a list",
            ],
        ),
        (
            HEADER + "id: again\n",
            ["c.yaml:5:1: error LP108: the key `id` is written twice; first at 3:1"],
        ),
    ],
)
def test_bad_documents(document: str, lines: list[str]) -> None:
    assert lines_of(document) == lines


def test_bytes_that_are_not_utf_8() -> None:
    assert lines_of("id: größe\n".encode("latin-1")) == [
        "c.yaml:1:7: error LP103: not UTF-8: byte 0xf6 at offset 6\n  hint: save the file as UTF-8"
    ]
    assert lines_of(HEADER.encode("utf-16"))[0].startswith("c.yaml:1:1: error LP103: not UTF-8: byte 0xff at offset 0")


def test_a_document_above_the_limit_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    line = f"c.yaml: error LP102: the document has {MAX_BYTES + 1:,} bytes; the limit is {MAX_BYTES:,}"
    hint = "\n  hint: split the contract"
    content = b"[" * (MAX_BYTES + 1)
    assert lines_of(content) == [line + hint]
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES * 5)
    _, problems = read_contract(path, file="c.yaml")
    assert str(problems[0]) == line.replace(f"{MAX_BYTES + 1:,}", f"{MAX_BYTES * 5:,}") + hint


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    with pytest.raises(ContractInvalid, match=re.escape(f"{missing}: error LP101: cannot be read: No such file")):
        load_contract(missing)
    with pytest.raises(ContractInvalid, match="error LP101: cannot be read: Is a directory"):
        load_contract(tmp_path)
    with pytest.raises(ContractInvalid, match="error LP101: cannot be read: embedded null byte"):
        load_contract("a\0b")
    with pytest.raises(ContractInvalid, match="hint: a text is taken as a path; pass a document as bytes"):
        load_contract(HEADER)


def test_the_error_holds_all_problems() -> None:
    with pytest.raises(ContractInvalid, match=r"LP100: c\.yaml has 2 errors") as caught:
        load_contract((HEADER + "foo: 1\nbar: 2\nname: 5\n").encode(), file="c.yaml")
    assert [(p.code, p.severity) for p in caught.value.problems] == [
        ("LP131", Severity.ERROR),
        ("LP131", Severity.ERROR),
        ("LP133", Severity.WARNING),
    ]
    assert caught.value.facts == {"file": "c.yaml"}
    with pytest.raises(ContractInvalid, match="LP100: the contract has 1 error\n:5:1: error LP131"):
        load_contract((HEADER + "foo: 1\n").encode())


def test_unquoted_text_is_an_error_in_strict_and_a_warning_in_compatible_mode() -> None:
    document = HEADER.replace("1.0.0", "1.10") + "name: true\ntags: [2024]\n"
    expected = [
        "c.yaml:4:10: {} LP133: `version` must be text, and 1.10 without quotes is a number\n"
        '  hint: write version: "1.10"',
        'c.yaml:5:7: {} LP133: `name` must be text, and true without quotes is a boolean\n  hint: write name: "true"',
        'c.yaml:6:8: {} LP133: `tags[0]` must be text, and 2024 without quotes is a number\n  hint: write "2024"',
    ]
    assert lines_of(document, mode=Mode.STRICT) == [line.format("error") for line in expected]
    assert lines_of(document) == [line.format("warning") for line in expected]
    contract = load_contract(document.encode())
    assert (contract.version, contract.name, contract.tags) == ("1.10", "true", ("2024",))
    assert contract.document["version"] == 1.1


def test_an_unquoted_api_version_is_not_guessed() -> None:
    assert lines_of(HEADER.replace("v3.2.0", "3.2"))[0].splitlines()[0] == (
        "c.yaml:1:13: error LP121: unknown apiVersion `3.2`"
    )


def test_a_key_without_value_is_an_error_in_strict_and_a_warning_in_compatible_mode() -> None:
    document = HEADER + "description:\nschema:\n  - name: t\n    quality: ~\n"
    expected = [
        "c.yaml:5:13: {} LP142: `description` has no value\n  hint: remove the key or give it a value",
        "c.yaml:8:14: {} LP142: `quality` has no value\n  hint: remove the key or give it a value",
    ]
    assert lines_of(document, mode=Mode.STRICT) == [line.format("error") for line in expected]
    assert lines_of(document) == [line.format("warning") for line in expected]
    contract = load_contract(document.encode())
    assert contract.description is None
    assert contract.schema[0].quality == ()


def test_booleans_of_yaml_1_1_are_explained() -> None:
    document = HEADER + "schema:\n  - name: t\n    properties:\n      - name: a\n        required: yes\n"
    assert lines_of(document) == [
        "c.yaml:9:19: error LP132: `required` must be true or false, not text\n"
        "  hint: `yes` is text; write true or false"
    ]


def test_numbers_as_settings_become_text_only_where_text_is_meant() -> None:
    document = HEADER + "servers:\n  - {server: s, type: snowflake, account: 012, database: d, schema: x, port: 443}\n"
    assert load_contract(document.encode()).servers[0].settings == {
        "account": "012",
        "database": "d",
        "schema": "x",
        "port": 443,
    }


def test_problems_come_in_document_order() -> None:
    document = HEADER + "tenant: [1]\nschema:\n  - foo: 1\n  - name: b\n    bar: 1\nzzz: 1\n"
    found = [(problem.line, problem.column) for problem in read_contract(document.encode())[1]]
    assert found == sorted(found)
    assert len(found) == 5
