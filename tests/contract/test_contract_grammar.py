"""The grammar of each version: what is refused, in which words, and what another version would accept."""

from __future__ import annotations

import pytest

from lakepact.contract import Mode, read_contract

ALL = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
V3_0 = ALL[:3]


def judge(version: str, body: str, mode: Mode = Mode.STRICT) -> list[str]:
    header = f"apiVersion: {version}\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\n"
    _, problems = read_contract((header + body).encode(), mode=mode)
    return [
        f"{p.line}:{p.column} {p.severity} {p.code} {p.message}" + (f" ({p.hint})" if p.hint else "") for p in problems
    ]


def of_property(text: str) -> str:
    return "schema:\n  - name: t\n    properties:\n      - name: p\n" + "".join(
        f"        {line}\n" for line in text.splitlines()
    )


def of_object(text: str) -> str:
    return "schema:\n  - name: t\n" + "".join(f"    {line}\n" for line in text.splitlines())


def of_rule(text: str) -> str:
    return of_object(f"quality:\n  - {{{text}}}")


ACCEPTED = [
    (
        ALL,
        of_property("logicalType: string\nlogicalTypeOptions: {minLength: 0, maxLength: 5, pattern: x, format: uuid}"),
    ),
    (
        ALL,
        of_property("logicalType: integer\nlogicalTypeOptions: {multipleOf: 0.5, minimum: 1, maximum: 2, format: u8}"),
    ),
    (ALL, of_property("logicalType: number\nlogicalTypeOptions: {format: f32}")),
    (ALL, of_property("logicalType: boolean\nlogicalTypeOptions: {}")),
    (ALL, of_property("logicalTypeOptions: {}")),
    (ALL, of_property("logicalType: array\nitems: {logicalType: object, properties: [{name: x}]}")),
    (ALL, of_property("items: {physicalType: int}\nproperties: [{name: x}]")),
    (ALL, of_property("logicalType: array\nitems: {properties: [{name: x}]}")),
    (ALL[:3], of_property("logicalType: array\nitems: {logicalType: string, properties: [{name: x}]}")),
    (ALL, of_property("logicalType: object\nlogicalTypeOptions: {required: [a], minProperties: 1, maxProperties: 2}")),
    (ALL, of_property("primaryKeyPosition: 1.0\nexamples: [1, null, {a: b}]")),
    (V3_0, of_property("logicalType: integer\nlogicalTypeOptions: {minimum: 1, exclusiveMinimum: true}")),
    (V3_0, of_property("logicalType: date\nlogicalTypeOptions: {minimum: 2020-01-01, exclusiveMinimum: true}")),
    (ALL[3:], of_property("logicalType: integer\nlogicalTypeOptions: {exclusiveMinimum: 1, exclusiveMaximum: 9.5}")),
    (
        ALL[3:],
        of_property("logicalType: timestamp\nlogicalTypeOptions: {timezone: false, exclusiveMaximum: 2030-01-01}"),
    ),
    (ALL[3:], of_property("logicalType: time\nlogicalTypeOptions: {format: HH, defaultTimezone: Etc/UTC}")),
    (ALL[4:], of_property("logicalType: map\nmap: {key: {logicalType: string}, value: {logicalType: integer}}")),
    (ALL[4:], of_property("logicalType: vector\nlogicalTypeOptions: {dimensions: 3, elementType: int8}")),
    (ALL[4:], of_property("enum: [{value: 1}, {value: true}, {value: null}]\nsemanticType: measure\ndeprecated: true")),
    (ALL[4:], of_property("synonyms: [{synonym: x, locale: en}]")),
    (V3_0, of_rule("rule: nullCheck")),
    (V3_0, of_rule("rule: rowCount, mustBeGreaterThan: 1, mustBeLessThan: 9")),
    (V3_0, of_rule("rule: validValues, validValues: [a, b]")),
    (V3_0, of_rule("type: sql, query: SELECT 1")),
    (ALL, of_rule("type: text, description: x, dimension: uniqueness, severity: anything")),
    (ALL, of_rule("type: custom, engine: soda, implementation: {a: 1}")),
    (ALL[3:], of_rule("metric: rowCount, mustBeBetween: [1, 2.5]")),
    (ALL[3:], of_rule("type: library, metric: nullValues, rule: x, mustBe: 0, unit: percent, arguments: {}")),
    (ALL[3:], of_rule("type: sql, query: SELECT 1, mustBe: null")),
    (ALL[3:], of_rule("description: no type and no metric")),
    (ALL[3:], of_object("relationships: [{from: [t.a, t.b], to: [u.a, u.b]}, {type: foreignKey, from: t.a, to: u.a}]")),
    (
        ALL[3:],
        of_property("relationships: [{to: u.a}, {to: schema/u/properties/a}, {to: x/y.yaml#/schema/u/properties/a}]"),
    ),
    (ALL[4:], of_property("relationships: [{to: u.a.b-c}, {to: y.yml#/schema/ü/properties/a, id: r}]")),
    (V3_0, "team: [{username: a, role: owner}]\n"),
    (ALL[3:], "team: {name: x, members: [{username: a}]}\n"),
    (ALL[3:], "team: [{username: a}]\n"),
    (ALL[4:], "context: read me\n"),
    (ALL[4:], "context: {instructions: x, verifiedStatements: [{question: q}], constraints: [{constraint: c}]}\n"),
    (ALL, "servers: [{server: s, type: databricks, catalog: c, schema: s, roles: [{role: r}]}]\n"),
    (ALL[:4], "servers: [{server: s, type: mysql, host: h, port: 3306, database: d}]\n"),
    (ALL[4:], 'servers: [{server: s, type: mysql, host: h, port: "${P}", database: d}]\n'),
    (ALL[4:], "servers: [{server: s, type: local, path: p, format: csv, encoding: utf-8}]\n"),
    (
        ALL,
        "slaProperties: [{property: a, value: 4, valueExt: 5, unit: d, element: t.p}, {property: x, value: null}]\n",
    ),
    (ALL, "customProperties: [{property: a, value: {b: [1]}}]\n"),
    (("v3.0.0", "v3.0.1", "v3.0.2"), "customProperties: [{value: 1}]\nsupport: [{channel: c, url: u}]\n"),
    (ALL[3:], "support: [{channel: c}]\nprice: {priceAmount: 1.5}\n"),
]


@pytest.mark.parametrize(
    ("version", "body"), [(version, body) for versions, body in ACCEPTED for version in versions], ids=lambda text: text
)
def test_accepted(version: str, body: str) -> None:
    assert judge(version, body) == []
    assert judge(version, body, Mode.COMPATIBLE) == []


REFUSED = [
    (ALL, "foo: 1\n", ["6:1 error LP131 a contract has no key `foo`"]),
    (
        ALL,
        "data_contract: {name: x}\n",
        [
            "6:1 error LP131 a contract has no key `data_contract` (this is another format: "
            "`lakepact convert FILE -o CONTRACT` makes a contract of it)"
        ],
    ),
    (ALL, "tenan: x\n", ["6:1 error LP131 a contract has no key `tenan` (did you mean `tenant`?)"]),
    (ALL, of_object("foo: 1"), ["8:5 error LP131 a schema object has no key `foo`"]),
    (ALL, of_object("logicalType: table"), ["8:18 error LP134 `logicalType` cannot be `table` (accepted: object)"]),
    (ALL, "schema: {name: t}\n", ["6:9 error LP132 `schema` must be a list, not a mapping"]),
    (ALL, "schema: [t]\n", ["6:10 error LP132 `schema[0]` must be a mapping, not text"]),
    (ALL, "schema: [{physicalName: t}]\n", ["6:10 error LP130 a schema object needs `name`"]),
    (ALL, of_object("properties: [x]"), ["8:18 error LP132 `properties[0]` must be a mapping, not text"]),
    (ALL, of_object("properties: [{logicalType: string}]"), ["8:18 error LP130 a property needs `name`"]),
    (ALL, of_property("foo: 1"), ["10:9 error LP131 a property has no key `foo`"]),
    (
        ALL,
        of_property("logicalType: array\nitems: {foo: 1}"),
        ["11:17 error LP131 a nameless property has no key `foo`"],
    ),
    (
        ALL,
        of_property("logicalType: string\nlogicalTypeOptions: {minLength: -1, maximum: 5}"),
        [
            "11:41 error LP135 `minLength` must be 0 or more, not -1",
            "11:45 error LP131 `logicalTypeOptions` of a string has no key `maximum`",
        ],
    ),
    (
        ALL,
        of_property("logicalType: number\nlogicalTypeOptions: {multipleOf: 0, minimum: '1', format: i32}"),
        [
            "11:42 error LP135 `multipleOf` must be above 0, not 0",
            "11:54 error LP132 `minimum` must be a number, not text",
            "11:67 error LP134 `format` cannot be `i32` (did you mean `f32`? accepted: f32, f64)",
        ],
    ),
    (
        ALL,
        of_property("logicalType: array\nlogicalTypeOptions: {minItems: 1.5, uniqueItems: 1}"),
        [
            "11:40 error LP132 `minItems` must be a whole number, not 1.5",
            "11:58 error LP132 `uniqueItems` must be true or false, not a number",
        ],
    ),
    (
        ALL,
        of_property("logicalType: object\nlogicalTypeOptions: {required: [a, a]}"),
        ["11:44 error LP137 `required[1]` repeats `required[0]`"],
    ),
    (
        ALL,
        of_property("logicalType: object\nlogicalTypeOptions: {required: []}"),
        ["11:40 error LP135 `required` must have at least one entry"],
    ),
    (
        ALL,
        of_property("logicalTypeOptions: {minLength: 1}"),
        ["10:9 error LP140 `logicalTypeOptions` needs a logicalType"],
    ),
    (ALL, of_property("logicalType: string\nitems: {}"), ["11:9 error LP140 `items` needs logicalType array"]),
    (
        ALL,
        of_property("logicalType: array\nproperties: []"),
        ["11:9 error LP140 `properties` needs logicalType object"],
    ),
    (
        ALL[3:],
        of_property("logicalType: array\nitems: {logicalType: string, properties: [{name: x}]}"),
        ["11:38 error LP140 `properties` needs logicalType object (v3.0.2 accepts this)"],
    ),
    (
        ALL[4:],
        of_property("logicalType: vector\nlogicalTypeOptions: {}"),
        ["11:29 error LP130 `logicalTypeOptions` of a vector needs `dimensions`"],
    ),
    (
        ALL,
        of_property("logicalType: boolean\nlogicalTypeOptions: {x: 1}"),
        ["11:30 warning LP131 `logicalTypeOptions` of a boolean has no key `x`"],
    ),
    (
        ALL[4:],
        of_property("logicalType: map\nmap: {key: {}, foo: 1}"),
        ["11:14 error LP130 `map` needs `value`", "11:24 error LP131 `map` has no key `foo`"],
    ),
    (ALL[4:], of_property("logicalType: map"), ["9:9 error LP130 a property of type map needs `map`"]),
    (ALL[4:], of_property("map: {key: {}, value: {}}"), ["10:9 error LP140 `map` needs logicalType map"]),
    (
        ALL[4:],
        of_property("logicalType: vector\nlogicalTypeOptions: {elementType: int4}"),
        [
            "11:29 error LP130 `logicalTypeOptions` of a vector needs `dimensions`",
            "11:43 error LP134 `elementType` cannot be `int4`"
            " (did you mean `int8`? accepted: bfloat16, binary, float16, float32, float64, int8, uint8)",
        ],
    ),
    (
        ALL[4:],
        of_property("logicalType: vector\nlogicalTypeOptions: {dimensions: 0}"),
        ["11:42 error LP135 `dimensions` must be 1 or more, not 0"],
    ),
    (ALL[4:], of_property("enum: []"), ["10:15 error LP135 `enum` must have at least one entry"]),
    (
        ALL[4:],
        of_property("enum: [{value: 1}, {value: 1.0}, {label: x}, {value: [1]}]"),
        [
            "10:28 error LP137 `enum[1]` repeats `enum[0]`",
            "10:42 error LP130 an enum value needs `value`",
            "10:62 error LP132 `value` must be a single value, not a list",
        ],
    ),
    (
        ALL,
        of_rule("type: text, dimension: validity"),
        [
            "9:33 error LP134 `dimension` cannot be `validity` (accepted: accuracy, completeness, conformity,"
            " consistency, coverage, timeliness, uniqueness)"
        ],
    ),
    (ALL, of_rule("type: sql, mustBe: 0"), ["9:9 error LP130 a sql rule needs `query`"]),
    (
        ALL,
        of_rule("type: custom, implementation: [1]"),
        [
            "9:9 error LP130 a custom rule needs `engine`",
            "9:40 error LP132 `implementation` must be text or a mapping, not a list",
        ],
    ),
    (V3_0, of_rule("mustBe: 0"), ["9:9 error LP130 a library rule needs `rule`"]),
    (
        V3_0,
        of_rule("rule: x, mustBeBetween: [1]"),
        ["9:34 error LP135 `mustBeBetween` must have two numbers, not 1"],
    ),
    (V3_0, of_rule("rule: x, foo: 1"), ["9:19 warning LP131 a library rule has no key `foo`"]),
    (
        ALL[3:],
        of_rule("metric: rowCount"),
        ["9:9 error LP138 a library rule needs exactly one operator (for example mustBe: 0)"],
    ),
    (
        ALL[3:],
        of_rule("type: library, metric: rowCount, mustBe: 1, mustNotBe: 2"),
        ["9:9 error LP138 a library rule needs exactly one operator, not `mustBe`, `mustNotBe`"],
    ),
    (
        ALL[3:],
        of_rule("metric: rowCount, mustBeBetween: [1, 1]"),
        ["9:43 error LP137 `mustBeBetween` must have two different numbers"],
    ),
    (
        ALL[3:],
        of_rule("metric: rowCount, mustNotBeBetween: [a, 1]"),
        ["9:47 error LP132 `mustNotBeBetween[0]` must be a number, not text"],
    ),
    (
        ALL[3:],
        of_rule("metric: rowcount, mustBe: 1"),
        [
            "9:18 error LP134 `metric` cannot be `rowcount` (did you mean `rowCount`? accepted: nullValues,"
            " missingValues, invalidValues, duplicateValues, rowCount)"
        ],
    ),
    (ALL[3:], of_rule("type: text, query: x"), ["9:22 error LP131 a quality rule has no key `query`"]),
    (
        ALL[3:],
        of_rule("metric: rowCount, mustBe: 1, unit: days"),
        ["9:45 warning LP150 the unit `days` is neither rows nor percent"],
    ),
    (
        ALL[3:],
        of_object("relationships:\n  - {from: t.a, to: [u.a]}\n  - {from: [t.a], to: [u.a, u.b]}\n  - {to: t.a}"),
        [
            "9:9 error LP139 `from` and `to` must be both one address or both a list",
            "10:9 error LP139 `from` has 1 addresses and `to` has 2",
            "11:9 error LP130 a relationship of an object needs `from`",
        ],
    ),
    (
        ALL[3:],
        of_property("relationships: [{from: t.a, to: u.a}, {type: many, to: []}, {to: 5}, {to: no}]"),
        [
            "10:26 error LP139 a relationship of a property has no `from`; it starts at the property",
            "10:54 error LP134 `type` cannot be `many` (accepted: foreignKey)",
            "10:64 error LP135 `to` must have at least one entry",
            "10:74 error LP132 `to` must be the address of a property, not a number",
            "10:83 error LP139 `no` is not the address of a property"
            " (write object.property, or /schema/<id>/properties/<id>)",
        ],
    ),
    (
        ("v3.1.0",),
        "team: {id: a.b, members: [{name: x}]}\n",
        [
            "6:12 error LP136 `id` has characters that an id cannot have: `a.b` (letters, digits, `_` and `-`)",
            "6:27 error LP130 a team member needs `username`",
        ],
    ),
    (
        ("v3.2.0",),
        "team: {id: a b}\n",
        [
            "6:12 error LP136 `id` has characters that an id cannot have: `a b`"
            r" (no space and none of . # / \ @ ! % & ^)"
        ],
    ),
    (
        ALL,
        "servers: [{type: api}]\n",
        ["6:11 error LP130 an api server needs `server`", "6:11 error LP130 an api server needs `location`"],
    ),
    (
        ALL,
        "servers: [{server: s, type: databricks, catalog: c}]\n",
        ["6:11 error LP130 a databricks server needs `schema`"],
    ),
    (
        ALL,
        "servers: [{server: s, type: sftp, location: http://x}]\n",
        ["6:45 error LP136 `location` must start with sftp://"],
    ),
    (
        V3_0,
        "servers: [{server: s, type: api, location: x, foo: 1}]\n",
        ["6:47 warning LP131 an api server has no key `foo`"],
    ),
    (
        ALL[3:],
        "servers: [{server: s, type: api, location: x, foo: 1}]\n",
        ["6:47 error LP131 an api server has no key `foo`"],
    ),
    (ALL, "slaProperties: [{property: x}]\n", ["6:17 error LP130 an SLA property needs `value`"]),
    (ALL, "roles: [{access: read}]\n", ["6:9 error LP130 a role needs `role`"]),
    (
        ALL[1:],
        "authoritativeDefinitions: [{url: x}]\n",
        ["6:28 error LP130 an authoritative definition needs `type`"],
    ),
    (
        ALL[3:],
        "customProperties: [{property: x}]\n",
        ["6:20 error LP130 a custom property needs `value` (v3.0.2 accepts this)"],
    ),
    (ALL, "description: {foo: x}\n", ["6:15 warning LP131 `description` has no key `foo`"]),
]


@pytest.mark.parametrize(
    ("version", "body", "expected"),
    [(version, body, expected) for versions, body, expected in REFUSED for version in versions],
)
def test_refused(version: str, body: str, expected: list[str]) -> None:
    assert judge(version, body) == expected


OTHER_VERSION = [
    ("v3.0.2", of_property("logicalType: timestamp"), "10:22", "`logicalType` cannot be `timestamp`", "v3.1.0"),
    (
        "v3.0.2",
        of_property("logicalType: integer\nlogicalTypeOptions: {exclusiveMinimum: 1}"),
        "11:48",
        "`exclusiveMinimum` must be true or false, not a number",
        "v3.1.0",
    ),
    (
        "v3.1.0",
        of_property("logicalType: integer\nlogicalTypeOptions: {minimum: 1, exclusiveMinimum: true}"),
        "11:60",
        "`exclusiveMinimum` must be a number, not a boolean",
        "v3.0.2",
    ),
    ("v3.0.0", "team: {members: [{username: a}]}\n", "6:7", "`team` must be a list, not a mapping", "v3.1.0"),
    ("v3.0.2", of_rule("metric: rowCount, mustBe: 1"), "9:9", "a library rule needs `rule`", "v3.1.0"),
    ("v3.1.0", of_rule("rule: nullCheck"), "9:10", "a quality rule has no key `rule`", "v3.0.2"),
    (
        "v3.2.0",
        of_rule("type: sql, query: SELECT 1"),
        "9:9",
        "a sql rule needs exactly one operator",
        "v3.0.2",
    ),
    ("v3.0.2", of_property("relationships: [{to: u.a}]"), "10:9", "a property has no key `relationships`", "v3.1.0"),
    ("v3.1.0", of_property("enum: [{value: 1}]"), "10:9", "a property has no key `enum`", "v3.2.0"),
    ("v3.0.0", of_property("physicalName: x"), "10:9", "a property has no key `physicalName`", "v3.0.2"),
    ("v3.1.0", "servers: [{server: s, type: hana, host: h}]\n", "6:29", "`type` cannot be `hana`", "v3.2.0"),
    (
        "v3.1.0",
        "servers: [{server: s, type: mysql, host: h, port: x, database: d}]\n",
        "6:51",
        "`port` must be a whole number, not text",
        "v3.2.0",
    ),
    ("v3.0.2", "support: [{channel: c}]\n", "6:11", "a support channel needs `url`", "v3.1.0"),
]


@pytest.mark.parametrize(("version", "body", "where", "message", "accepts"), OTHER_VERSION)
def test_grammar_of_another_version(version: str, body: str, where: str, message: str, accepts: str) -> None:
    strict = judge(version, body)
    assert strict[0].startswith(where)
    assert " error LP" in strict[0]
    assert message in strict[0]
    assert strict[0].endswith(f"({accepts} accepts this)")
    assert judge(version, body, Mode.COMPATIBLE) == [
        f"{where} warning LP141 {message}; {accepts} accepts this (declare apiVersion: {accepts})"
    ]


@pytest.mark.parametrize(
    ("version", "body", "expected"),
    [
        (
            "v3.1.0",
            of_property("enum: [{value: 1, foo: 2}]"),
            [
                "10:9 warning LP141 a property has no key `enum`; v3.2.0 accepts this (declare apiVersion: v3.2.0)",
                "10:27 error LP131 an enum value has no key `foo`",
            ],
        ),
        (
            "v3.0.2",
            of_rule("metric: nonsense, mustBe: 1, dimension: accuracy"),
            [
                "9:9 warning LP141 a library rule needs `rule`; v3.1.0 accepts this (declare apiVersion: v3.1.0)",
                "9:18 error LP134 `metric` cannot be `nonsense` (accepted: nullValues,"
                " missingValues, invalidValues, duplicateValues, rowCount)",
            ],
        ),
        (
            "v3.2.0",
            of_rule("rule: nullCheck, element: x"),
            [
                "9:10 warning LP141 a quality rule has no key `rule`; v3.0.2 accepts this (declare apiVersion: v3.0.2)",
                "9:27 error LP131 a quality rule has no key `element`",
            ],
        ),
        (
            "v3.0.2",
            of_property("logicalType: timestamp\nlogicalTypeOptions: {foo: 1}"),
            [
                "10:22 warning LP141 `logicalType` cannot be `timestamp`; v3.1.0 accepts this"
                " (declare apiVersion: v3.1.0)",
                "11:30 error LP131 `logicalTypeOptions` of a timestamp has no key `foo`",
            ],
        ),
        (
            "v3.2.0",
            of_property("relationships: [{from: t.a, to: u.a}]"),
            ["10:26 error LP139 a relationship of a property has no `from`; it starts at the property"],
        ),
    ],
)
def test_a_fault_in_every_version_stays_an_error(version: str, body: str, expected: list[str]) -> None:
    assert judge(version, body, Mode.COMPATIBLE) == expected


def test_status_is_required_until_v3_1() -> None:
    content = b"apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\n"
    contract, problems = read_contract(content)
    assert contract is not None
    assert [str(problem) for problem in problems] == [
        ":1:1: warning LP141: a contract needs `status`; v3.2.0 accepts this\n  hint: declare apiVersion: v3.2.0"
    ]
    assert read_contract(content, mode=Mode.STRICT)[0] is None
