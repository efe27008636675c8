"""Whatever the bytes and the files are: a contract or ContractInvalid, nothing else, soon, and in little memory."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakepact.contract import MEANINGS, Code, Mode, load_contract, read_contract
from lakepact.contract.yaml_nodes import read_yaml
from lakepact.errors import ContractInvalid
from speed import cpu_limit

DOCUMENT = """\
apiVersion: v3.1.0
kind: DataContract
id: a
version: 1.0.0
status: active
team: {name: x, members: [{username: u}]}
schema:
  - name: t
    quality: [{metric: rowCount, mustBe: 1, unit: percent}]
    relationships: [{from: t.p, to: u.p}]
    properties:
      - name: p
        logicalType: array
        logicalTypeOptions: {minItems: 1}
        items: {logicalType: object, properties: [{name: q, logicalType: number, logicalTypeOptions: {minimum: 1.5}}]}
slaProperties: [{property: latency, value: 4, element: t.p}]
servers: [{server: s, type: databricks, catalog: c, schema: d}]
customProperties: [{property: k, value: {a: [1]}}]
"""
KEYS = sorted(
    {
        *("id", "name", "schema", "properties", "items", "map", "key", "value", "logicalType", "logicalTypeOptions"),
        *("quality", "rule", "metric", "mustBe", "mustBeBetween", "type", "query", "arguments", "validValues", "unit"),
        *(
            "relationships",
            "from",
            "to",
            "team",
            "members",
            "servers",
            "server",
            "slaProperties",
            "property",
            "element",
        ),
        *("minimum", "exclusiveMinimum", "multipleOf", "required", "enum", "synonyms", "context", "version", "kind"),
        *("apiVersion", "description", "tags", "customProperties", "engine", "implementation", "roles", "price", "x y"),
    }
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-3, max_value=3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["string", "date", "timestamp", "map", "vector", "array", "object", "sql", "library", "rowCount"]),
    st.sampled_from(["t.a", "v3.0.2", "v3.2.0", "v2.2.2", "DataContract", "api", "athena", "unique", "foreignKey"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=12,
)


def loads_or_is_invalid(content: bytes) -> None:
    for mode in Mode:
        contract, problems = read_contract(content, mode=mode)
        assert all(Code(problem.code) in MEANINGS and problem.message for problem in problems)
        if contract is None:
            with pytest.raises(ContractInvalid, match="LP100: the contract has ") as caught:
                load_contract(content, mode=mode)
            assert list(caught.value.problems) == list(problems)
        else:
            assert contract.source == content


@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    loads_or_is_invalid(content)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@` \n\t0.~<?,", max_size=60))
def test_any_yaml_like_text(text: str) -> None:
    loads_or_is_invalid(text.encode())


@settings(max_examples=200)
@given(st.data())
def test_a_contract_with_pieces_cut_out_or_put_in(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DOCUMENT)))
    end = data.draw(st.integers(start, min(len(DOCUMENT), start + 20)))
    piece = data.draw(st.text(alphabet="abz:-[]{}&*!|'\" \n01.~<", max_size=6))
    loads_or_is_invalid((DOCUMENT[:start] + piece + DOCUMENT[end:]).encode())


def spots(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, dict | list) else []) + [spot for entry in inner for spot in spots(entry)]


BASE: dict[str, Any] = dict(load_contract(DOCUMENT.encode()).document)


@settings(max_examples=150)
@given(st.data())
def test_a_contract_with_any_value_anywhere(data: st.DataObject) -> None:
    document = json.loads(json.dumps(BASE))
    document["apiVersion"] = data.draw(st.sampled_from(["v3.0.0", "v3.0.2", "v3.1.0", "v3.2.0"]))
    for _ in range(data.draw(st.integers(1, 4))):
        spot = data.draw(st.sampled_from(spots(document)))
        value = data.draw(VALUES)
        if isinstance(spot, list):
            spot.append(value)
        else:
            spot[data.draw(st.sampled_from(KEYS))] = value
    loads_or_is_invalid(json.dumps(document).encode())


def test_long_words_are_clipped_in_messages() -> None:
    word = "x" * 1000
    content = DOCUMENT.replace("metric: rowCount", f"metric: {word}").replace("to: u.p", f"to: {word}")
    _, problems = read_contract((content + f"{word}: 1\n").encode())
    assert len(problems) == 3
    assert all(len(problem.message) < 120 for problem in problems)


def test_a_document_full_of_faults_is_judged_in_time() -> None:
    content = DOCUMENT + "".join(f"unknown{index}: {index}\n" for index in range(2000))
    start = time.process_time()
    _, problems = read_contract(content.encode())
    assert len(problems) == 2000
    assert time.process_time() - start < cpu_limit(20)


def test_the_cost_of_faulty_rules_does_not_grow_with_their_square() -> None:
    rules = "".join(f"  - {{rule: x{index}, foo: 1}}\n" for index in range(8000))
    content = DOCUMENT.split("schema:")[0] + "schema:\n- name: t\n  quality:\n" + rules
    start = time.process_time()
    _, problems = read_contract(content.encode())
    assert len(problems) == 16_000
    assert time.process_time() - start < cpu_limit(20)


def test_deeply_nested_properties_are_judged_and_built() -> None:
    body = "name: p"
    for _ in range(45):
        body = "name: p, logicalType: object, properties: [{" + body + "}]"
    header = "apiVersion: v3.2.0\nkind: DataContract\nid: a\nversion: 1.0.0\n"
    contract = load_contract((header + "schema: [{name: t, properties: [{" + body + "}]}]").encode())
    assert sum(1 for _ in contract.walk_properties()) == 46


HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\n"


def told(source: bytes | Path) -> list[str]:
    """The problems of a source that is no contract, without the name of the file."""
    contract, problems = read_contract(source, file="c.yaml")
    assert contract is None
    return [str(problem).removeprefix("c.yaml").replace("\n  hint", " | hint") for problem in problems]


@contextmanager
def within(*, seconds: float, megabytes: float) -> Iterator[None]:
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
        assert time.process_time() - start < cpu_limit(seconds)
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1_000_000
    finally:
        tracemalloc.stop()


def test_a_gigabyte_is_refused_by_its_size_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.touch()
    os.truncate(path, 2**30)
    with within(seconds=1, megabytes=1):
        assert told(path) == [
            ": error LP102: the document has 1,073,741,824 bytes; the limit is 10,485,760 | hint: split the contract"
        ]


def test_a_file_that_says_it_is_empty_is_read_no_further_than_the_limit() -> None:
    path = Path("/proc/self/smaps")
    if not path.exists():
        pytest.skip("no files here whose size is not known")
    assert os.stat(path).st_size == 0
    assert told(path)[0].startswith(":2:5: error LP104: not YAML")


def test_symbolic_links_are_followed_and_loops_are_told(tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(HEADER)
    (tmp_path / "a").symlink_to("contract.yaml")
    assert load_contract(tmp_path / "a").id == "a"
    (tmp_path / "b").symlink_to("c")
    (tmp_path / "c").symlink_to("b")
    assert told(tmp_path / "b") == [": error LP101: cannot be read: Too many levels of symbolic links"]
    (tmp_path / "d").symlink_to("nowhere")
    assert told(tmp_path / "d") == [": error LP101: cannot be read: No such file or directory"]


@pytest.mark.timeout(20)
def test_what_is_no_file_is_told_at_once(tmp_path: Path) -> None:
    assert told(tmp_path) == [": error LP101: cannot be read: Is a directory"]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert told(pipe) == [": error LP101: cannot be read: it is a named pipe, not a file"]
    for device in ("/dev/zero", "/dev/null"):
        assert told(Path(device)) == [": error LP101: cannot be read: it is a device, not a file"]
    listener = socket.socket(socket.AF_UNIX)
    try:
        here = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket must be short
        listener.bind("socket")
        os.chdir(here)
        assert told(tmp_path / "socket") == [": error LP101: cannot be read: No such device or address"]
    finally:
        listener.close()


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text(HEADER)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert told(path) == [": error LP101: cannot be read: Permission denied"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_other_encodings_are_told(encoding: str) -> None:
    (line,) = told(HEADER.encode(encoding))
    assert line.startswith(
        (":1:1: error LP103: not UTF-8", ":1:1: error LP104: not YAML: the character U+0000", ":1:2:")
    )
    assert line.endswith(("| hint: save the file as UTF-8", "in UTF-16? save a contract as UTF-8 text"))


def test_what_no_text_file_holds_is_told_with_its_place() -> None:
    assert told((HEADER + "name: a\0b\n").encode()) == [
        ":6:8: error LP104: not YAML: the character U+0000 is not allowed"
        " | hint: a binary file, or one in UTF-16? save a contract as UTF-8 text"
    ]
    assert told(HEADER.encode() + b"name: \xe4\r\n") == [
        ":6:7: error LP103: not UTF-8: byte 0xe4 at offset 80 | hint: save the file as UTF-8"
    ]
    assert told((HEADER + "description:\n\tpurpose: x\n").encode()) == [
        ":7:1: error LP104: not YAML: found character that cannot start any token (while scanning for the next token)"
        " | hint: indent with spaces, not with tabs"
    ]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_places_do_not_depend_on_line_ends_or_a_byte_order_mark(bom: bytes, ending: str) -> None:
    content = bom + (HEADER + "schema:\n  - name: t\n    foo: 1\n").replace("\n", ending).encode()
    assert told(content) == [":8:5: error LP131: a schema object has no key `foo`"]
    contract = load_contract(content.replace(b"    foo: 1", b"    description: x"))
    assert (contract.places["apiVersion"].line, contract.places["apiVersion"].column) == (1, 13)
    assert contract.schema[0].description == "x"


BOMBS = {
    "lists": ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    + [f"{new}: &{new} [{', '.join(['*' + old] * 10)}]" for old, new in pairwise("abcdefghij")],
    "merges": ["a: &a {k0: {x: 1, y: 2}, k1: [1, 2, 3]}"]
    + [f"{new}: &{new} {{l: *{old}, r: *{old}, <<: *{old}}}" for old, new in pairwise("abcdefghijklmnopqrstuvwxyz")],
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_alias_bombs_are_refused_soon_and_in_little_memory(bomb: str) -> None:
    content = (HEADER + "customProperties:\n- property: p\n  value:\n    " + "\n    ".join(BOMBS[bomb])).encode()
    with within(seconds=20, megabytes=120):
        (line,) = told(content)
    assert line.endswith("more than 100,000 elements through aliases")


NESTED = {
    "lists": "customProperties: " + "[" * 10_000 + "]" * 10_000,
    "open lists": "customProperties: " + "[" * 10_000,
    "mappings": "customProperties: " + "{a: " * 10_000 + "}" * 10_000,
    "dashes": "customProperties:\n" + "- " * 10_000 + "x",
    "lines": "\n".join(" " * level + "a:" for level in range(2_000)),
    "properties": "schema:\n- name: t\n  properties: " + "[{name: p, properties: " * 10_000 + "[" + "}]" * 10_000,
    "keys": "? " * 10_000,
    "quotes": '["' * 10_000 + "\\ud83d\\ude00",
}


@pytest.mark.parametrize("kind", NESTED)
def test_deep_nesting_is_refused_soon_and_in_little_memory(kind: str) -> None:
    with within(seconds=5, megabytes=20):
        (line,) = told((HEADER + NESTED[kind]).encode())
    assert "error LP109: nested deeper than 100 levels" in line or "error LP113" in line or "error LP104" in line


EMOJI = "\N{GRINNING FACE}"


def test_json_may_escape_a_character_as_a_surrogate_pair() -> None:
    data = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "a", "version": "1.0.0", "status": "active"}
    data |= {"name": f"x{EMOJI}y{EMOJI}", "tags": [EMOJI], "foo": 1}
    content = json.dumps(data)
    assert "\\ud83d\\ude00" in content
    assert told(content.encode()) == [f":1:{content.index('foo')}: error LP131: a contract has no key `foo`"]
    del data["foo"]
    contract = load_contract(json.dumps(data).encode())
    assert (contract.name, contract.tags) == (f"x{EMOJI}y{EMOJI}", (EMOJI,))
    assert contract.source == json.dumps(data).encode()


@pytest.mark.parametrize("pure", [False, True], ids=["c", "python"])
def test_places_behind_surrogate_pairs_are_those_of_the_file(pure: bool) -> None:
    text = '{"a\\uD83D\\uDE00": ["\\ud83d\\ude00\\ud83d\\ude00", 1],\n "b": "x\\\\\n  \\ud83d\\ude00", "c": 2}'
    document, problems = read_yaml(text, pure=pure)
    assert problems == []
    assert document is not None
    assert document.data == {f"a{EMOJI}": [EMOJI * 2, 1], "b": f"x\\ {EMOJI}", "c": 2}
    lines = text.split("\n")
    found = {
        path: lines[place.line - 1][place.column - 1 :][:2]
        for path, place in (document.places | document.key_places).items()
        if path not in ("", f'["a{EMOJI}"]')
    }
    assert found == {f'["a{EMOJI}"][0]': '"\\', f'["a{EMOJI}"][1]': "1]", "b": '"b', "c": '"c'}
    assert (document.places["c"].line, document.places["c"].column) == (3, lines[2].index("2}") + 1)


@pytest.mark.parametrize("pure", [False, True], ids=["c", "python"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'\ud83d\ude00'", r"\ud83d\ude00"),
        (r"\ud83d\ude00 \ud83d", r"\ud83d\ude00 \ud83d"),
        ("|\n  \\ud83d\\ude00", r"\ud83d\ude00"),
        (r'"\\ud83d\\ude00"', r"\ud83d\ude00"),
        (r'!!str "\ud83d\ude00" # "\ud83d"', EMOJI),
        (r'"\uD800\uDC00\uDBFF\uDFFF"', "\U00010000\U0010ffff"),
        (r'"\u00e9\U0001f600"', "é" + EMOJI),
    ],
)
def test_only_pairs_in_double_quotes_are_characters(text: str, value: str, pure: bool) -> None:
    document, problems = read_yaml(f"a: {text}", pure=pure)
    assert problems == []
    assert document is not None
    assert document.data == {"a": value}


@pytest.mark.parametrize("pure", [False, True], ids=["c", "python"])
@pytest.mark.parametrize(
    ("text", "line", "column", "half"),
    [
        (r'a: "\ud83d"', 1, 5, r"\ud83d"),
        (r'a: "\ude00\ud83d"', 1, 5, r"\ude00"),
        (r'a: "\ud83d\ud83d\ude00"', 1, 5, r"\ud83d"),
        (r'a: "\\ud83d\ude00"', 1, 12, r"\ude00"),
        ('a: "\\ud83d\\ude00\n  x \\ud83d\\ude00 \\ud83d\\n"', 2, 18, r"\ud83d"),
        (r'a: "\U0000D83D"', 1, 5, r"\U0000D83D"),
    ],
)
def test_half_a_surrogate_pair_is_told(text: str, line: int, column: int, half: str, pure: bool) -> None:
    document, problems = read_yaml(text, pure=pure)
    assert document is None
    assert [(p.code, p.line, p.column, p.message, p.hint) for p in problems] == [
        (
            "LP104",
            line,
            column,
            f"not YAML: the escape `{half}` is half of a character",
            r"write both halves, as in \ud83d\ude00, or the character itself",
        )
    ]


def test_a_fault_behind_surrogate_pairs_has_its_place() -> None:
    text = 'a: ["\\ud83d\\ude00", "\\ud83d\\ude00" b]'
    document, problems = read_yaml(text)
    assert document is None
    assert [(problem.line, problem.column) for problem in problems] == [(1, text.index("b]") + 1)]


@given(st.lists(st.text(max_size=5), max_size=6))
def test_json_in_ascii_is_read_as_python_writes_it(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    data = {"a": texts, "b": {text: 1 for text in texts}}
    document, problems = read_yaml(json.dumps(data))
    assert problems == []
    assert document is not None
    assert document.data == data


@cache
def corpus_texts(corpus: Path) -> list[str]:
    files = sorted(path for path in corpus.rglob("*.yaml") if "adventureworks" not in path.name)
    return [path.read_text(encoding="utf-8") for path in files]


PIECES = st.sampled_from(
    [
        *(
            "&a ",
            "*a",
            "<<: *a",
            "<<: [*a, 1]",
            "!!binary ",
            "!!str ",
            "!x ",
            "? ",
            "- ",
            "---\n",
            "...\n",
            "%YAML 1.1\n",
        ),
        *(
            "\0",
            "\t",
            "\r",
            "\x85",
            "\u2028",
            "\ufeff",
            "\x7f",
            "\ufffe",
            '"',
            "'",
            "|\n",
            ">-\n",
            "#",
            ": ",
            "[",
            "]",
            "{",
        ),
        *(
            r'"\ud83d\ude00"',
            r'"\ud83d"',
            r'"\x00"',
            "1e999",
            ".nan",
            "0x" + "f" * 50,
            "9" * 2000,
            "~",
            "null",
            "yes",
            "\n",
        ),
    ]
)


def cut_up(text: str, draw: st.DataObject) -> str:
    """The text with lines doubled, moved and indented, and with pieces put in or in the place of others."""
    for _ in range(draw.draw(st.integers(1, 4))):
        lines = text.split("\n")
        at = draw.draw(st.integers(0, len(lines) - 1))
        other = draw.draw(st.integers(0, len(lines) - 1))
        match draw.draw(st.sampled_from(["double", "move", "indent", "put", "replace", "join"])):
            case "double":
                lines.insert(other, lines[at])
            case "move":
                lines.insert(other, lines.pop(at))
            case "indent":
                lines[at] = " " * draw.draw(st.integers(0, 8)) + lines[at].lstrip()
            case "join":
                lines[at : at + 2] = ["".join(lines[at : at + 2])]
            case kind:
                start = draw.draw(st.integers(0, len(lines[at])))
                end = start if kind == "put" else draw.draw(st.integers(start, len(lines[at])))
                lines[at] = lines[at][:start] + draw.draw(PIECES) + lines[at][end:]
        text = "\n".join(lines)
    return text


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_official_documents_cut_up(odcs_corpus: Path, draw: st.DataObject) -> None:
    texts = corpus_texts(odcs_corpus)
    text = cut_up(texts[draw.draw(st.integers(0, len(texts) - 1))], draw)
    loads_or_is_invalid(text.encode("utf-8", "surrogatepass"))
    for pure in (False, True):
        document, problems = read_yaml(text.encode("utf-8", "ignore").decode(), pure=pure)
        assert (document is None) <= bool(problems)


@settings(max_examples=200)
@given(st.data())
def test_official_documents_with_other_bytes(odcs_corpus: Path, draw: st.DataObject) -> None:
    texts = corpus_texts(odcs_corpus)
    content = bytearray(texts[draw.draw(st.integers(0, len(texts) - 1))].encode())
    for _ in range(draw.draw(st.integers(1, 5))):
        content[draw.draw(st.integers(0, len(content) - 1))] = draw.draw(st.integers(0, 255))
    loads_or_is_invalid(bytes(content))


def test_what_a_shell_pipes_in_is_read(tmp_path: Path) -> None:
    document = tmp_path / "a.yaml"
    document.write_bytes(b"apiVersion: v3.2.0\nkind: DataContract\nid: piped\nversion: 1.0.0\n")
    code = "import sys; from lakepact.contract import load_contract; print(load_contract(sys.argv[1]).id)"
    command = f"'{sys.executable}' -c '{code}' <(sleep 0.5; cat '{document}')"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("piped\n", "")
