"""The sections of an ODCS document, v3.0.0 to v3.2.0, as tables that `grammar_shapes` reads.

The source is the JSON schema of each version, with the keys that its documentation names beside it in open sections.

A section starts with `[name] what it is called; closed`, where `closed` says since when unknown keys are errors
(`closed`, `closed 3.1` or `open`). Each row is `key type`: `key!` is required, `+3.1` means since v3.1.0, `-3.1` until
before it; a key may have several rows for several versions. Types: `text`, `id`, `bool`, `integer`, `count` (from 0),
`position` (from 1), `number`, `multiple` (above 0), `scalar`, `any`, `mapping`, `between` (two numbers), `in:a|b` (one
of), a section, `x[]` (a list), `x[+]` (a list whose entries all differ), `x or y`.
"""

from __future__ import annotations

__all__ = ["OPTION_SECTIONS", "SECTIONS"]

# Which section the `logicalTypeOptions` of a logical type are.
OPTION_SECTIONS = {
    **{name: f"options.{name}" for name in ("string", "date", "timestamp", "integer", "number", "object", "array")},
    "time": "options.timestamp",
    "vector": "options.vector",
}

SECTIONS = """
[contract] a contract; closed
version! text
kind! text
apiVersion! text
id! text
name text
tenant text
tags text[]
status! text -3.2
status text +3.2
servers server[]
dataProduct text
description description
domain text
context text or context +3.2
schema object[]
support support[]
price price
team member[] -3.1
team team or member[] +3.1
roles role[]
slaDefaultElement text
slaProperties sla[]
authoritativeDefinitions definition[] +3.0.1
customProperties custom[]
contractCreatedTs text

[description] `description`; open
usage text
purpose text
limitations text
authoritativeDefinitions definition[] +3.0.1
customProperties custom[] +3.0.1

[context] `context`; closed
instructions text
verifiedStatements statement[]
constraints constraint[]

[statement] a verified statement; closed
id text
question! text
answer text
authoritativeDefinitions definition[]
tags text[]
customProperties custom[]

[constraint] a constraint; closed
id text
constraint! text
authoritativeDefinitions definition[]
tags text[]
customProperties custom[]

[definition] an authoritative definition; closed 3.1
id id +3.1
url! text
type! text
description text +3.1

[custom] a custom property; closed 3.1
id id +3.1
property text -3.1
property! text +3.1
value any -3.1
value! any +3.1
description text +3.1
vendor text +3.2

[support] a support channel; closed 3.1
id id +3.1
channel! text
url! text -3.1
url text +3.1
description text
tool text
scope text
invitationUrl text
customProperties custom[] +3.1

[price] `price`; closed 3.1
id id +3.1
priceAmount number
priceCurrency text
priceUnit text

[team] `team`; closed
id id
name text
description text
members member[]
tags text[]
customProperties custom[]
authoritativeDefinitions definition[]

[member] a team member; closed 3.1
id id +3.1
username text -3.1
username! text +3.1
name text
description text
role text
dateIn text
dateOut text
replacedByUsername text
tags text[] +3.1
customProperties custom[] +3.1
authoritativeDefinitions definition[] +3.1

[role] a role; closed 3.1
id id +3.1
role! text
description text
access text
firstLevelApprovers text
secondLevelApprovers text
customProperties custom[] +3.0.1

[sla] an SLA property; closed 3.1
id id +3.1
property! text
value! scalar
valueExt scalar
unit text
element text
driver text
description text +3.1
scheduler text +3.1
schedule text +3.1
customProperties custom[] +3.2
authoritativeDefinitions definition[] +3.2

[object] a schema object; closed
id id +3.1
name! text
physicalType text
description text
businessName text
deprecated bool +3.2
synonyms synonym[] +3.2
authoritativeDefinitions definition[]
tags text[]
customProperties custom[]
logicalType in:object
physicalName text
dataGranularityDescription text
properties property[]
relationships object_relationship[] +3.1
quality quality[]
context text or context +3.2

[item] a nameless property; closed
id id +3.1
name text
physicalType text
description text
businessName text
deprecated bool +3.2
synonyms synonym[] +3.2
authoritativeDefinitions definition[]
tags text[]
customProperties custom[]
primaryKey bool
primaryKeyPosition integer
logicalType in:string|date|number|integer|object|array|boolean -3.1
logicalType in:string|date|timestamp|time|number|integer|object|array|boolean +3.1 -3.2
logicalType in:string|date|timestamp|time|number|integer|object|array|boolean|map|vector +3.2
logicalTypeOptions mapping
physicalName text +3.0.2
required bool
unique bool
semanticType in:column|measure|dimension +3.2
partitioned bool
partitionKeyPosition integer
classification text
encryptedName text
transformSourceObjects text[]
transformLogic text
transformDescription text
examples any[]
enum enum_value[+] +3.2
criticalDataElement bool
relationships property_relationship[] +3.1
quality quality[]
items item
properties property[]
map map +3.2

[map] `map`; closed
key! item
value! item

[enum_value] an enum value; closed
value! scalar
label text
id id
description text
customProperties custom[]
authoritativeDefinitions definition[]
tags text[]

[synonym] a synonym; closed
id id
synonym! text
description text
locale text
source text
status text
customProperties custom[]

[object_relationship] a relationship of an object; closed
id text +3.2
type in:foreignKey
from! any
to! any
customProperties custom[]

[property_relationship] a relationship of a property; closed
id text +3.2
type in:foreignKey
to! any
customProperties custom[]

[options.string] `logicalTypeOptions` of a string; closed
minLength count
maxLength count
pattern text
format text

[options.date] `logicalTypeOptions` of a date; closed
format text
maximum text
minimum text
exclusiveMaximum bool -3.1
exclusiveMinimum bool -3.1
exclusiveMaximum text +3.1
exclusiveMinimum text +3.1

[options.timestamp] `logicalTypeOptions` of a timestamp; closed
format text
maximum text
minimum text
exclusiveMaximum text
exclusiveMinimum text
timezone bool
defaultTimezone text

[options.integer] `logicalTypeOptions` of an integer; closed
multipleOf multiple
maximum number
minimum number
exclusiveMaximum bool -3.1
exclusiveMinimum bool -3.1
exclusiveMaximum number +3.1
exclusiveMinimum number +3.1
format in:i8|i16|i32|i64|i128|u8|u16|u32|u64|u128

[options.number] `logicalTypeOptions` of a number; closed
multipleOf multiple
maximum number
minimum number
exclusiveMaximum bool -3.1
exclusiveMinimum bool -3.1
exclusiveMaximum number +3.1
exclusiveMinimum number +3.1
format in:f32|f64

[options.object] `logicalTypeOptions` of an object; closed
maxProperties count
minProperties count
required text[+]

[options.array] `logicalTypeOptions` of an array; closed
maxItems count
minItems count
uniqueItems bool

[options.vector] `logicalTypeOptions` of a vector; closed
dimensions! position
elementType in:bfloat16|binary|float16|float32|float64|int8|uint8
distanceMetric in:cosine|dotProduct|euclidean|hamming|manhattan
embeddingModel text
embeddingModelVersion text
normalized bool

[quality] a quality rule; closed 3.1
id id +3.1
authoritativeDefinitions definition[]
businessImpact text
customProperties custom[]
description text
dimension in:accuracy|completeness|conformity|consistency|coverage|timeliness|uniqueness
method text
name text
schedule text
scheduler text
severity text
tags text[]
type in:text|library|sql|custom
unit text

[quality.library] a library rule; closed 3.1
rule! text -3.1
rule text +3.1
metric! in:nullValues|missingValues|invalidValues|duplicateValues|rowCount +3.1
arguments mapping +3.1
validValues any -3.1
missingValues any -3.1
pattern any -3.1
properties any -3.1

[quality.sql] a sql rule; closed 3.1
query! text

[quality.custom] a custom rule; closed 3.1
engine! text
implementation! text or mapping

[quality.operators] an operator; closed
mustBe any
mustNotBe any
mustBeGreaterThan number
mustBeGreaterOrEqualTo number
mustBeLessThan number
mustBeLessOrEqualTo number
mustBeBetween between
mustNotBeBetween between
"""
