"""What editors show for each key of a contract: one sentence, and examples where they help.

`_TEXTS` has the sections of `grammar_tables`. The line `.` says what the section is; each other one is `key sentence`,
with examples after a bar. `[*]` holds keys that mean the same wherever they stand, `[server.*]` those of all servers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from lakepact.contract.model import ApiVersion

__all__ = ["DEPRECATED_SINCE", "KeyText", "texts_of"]


class KeyText(NamedTuple):
    """What is said of a key."""

    sentence: str
    examples: tuple[str, ...] = ()


DEPRECATED_SINCE = {
    ("contract", "dataProduct"): ApiVersion.V3_1_0,
    ("contract", "slaDefaultElement"): ApiVersion.V3_1_0,
    ("quality.library", "rule"): ApiVersion.V3_1_0,
}


def texts_of(section: str) -> Mapping[str, KeyText]:
    """The texts of a section's keys, `.` for the section itself.

    >>> texts_of("support")["channel"].sentence
    'Name of the channel.'
    """
    tables = _tables()
    shared = tables["server.*"] if section.startswith("server.") else {}
    return {**tables["*"], **shared, **tables.get(section, {})}


@cache
def _tables() -> dict[str, dict[str, KeyText]]:
    tables = {}
    for block in re.split(r"\n(?=\[)", _TEXTS.strip()):
        header, *lines = block.splitlines()
        tables[header.strip("[]")] = dict(_row(line) for line in lines if line)
    return tables


def _row(line: str) -> tuple[str, KeyText]:
    key, _, rest = line.partition(" ")
    sentence, _, examples = rest.partition(" | ")
    return key, KeyText(sentence, tuple(examples.split(", ")) if examples else ())


_TEXTS = """
[*]
id Stable identifier, which stays when the name changes; unique in its list.
name Name, as people and programs use it.
description What it is and means.
tags Words to find it by.
customProperties Keys of your own, as a list of `property` and `value`.
authoritativeDefinitions Links to where this is defined or documented.

[contract]
. A data contract: what data is delivered, what it means, and what is promised of it.
version Version of this contract, as major.minor.patch; keep it in quotes. | 1.0.0
kind Always `DataContract`.
apiVersion Version of the standard that this file is written in.
id Identifier of the contract; the same in all its versions.
name Name of the contract.
tenant Organisation that the data belongs to.
status Where in its life the contract is. | proposed, draft, active, deprecated, retired
servers Where the data is.
dataProduct Name of the data product.
description What the data is for, and where its limits are.
domain Business domain that the data comes from.
context Guidance for assistants and other programs that read the contract.
schema The tables, files or topics, with their columns.
support Where to ask for help.
price What the data costs.
team Who stands behind the data.
roles Roles that give access to the data.
slaDefaultElement Element that a service level is about when it names none.
slaProperties Service levels: freshness, latency, retention and others.
contractCreatedTs When the contract was created, in UTC. | 2025-01-31T09:00:00Z

[description]
. What the data is for, and where its limits are.
usage How the data is meant to be used.
purpose Why the data exists.
limitations What the data cannot or must not be used for.

[context]
. Guidance for assistants and other programs that read the contract.
instructions How to use this, in plain words.
verifiedStatements Questions, with answers that somebody has checked.
constraints What must not be done with this.

[statement]
. A question that the data answers.
question The question.
answer The answer that is expected.

[constraint]
. Something that must not be done with the data.
constraint What must not be done.

[definition]
. A link to where something is defined or documented.
url Address of the definition.
type What the link leads to. | businessDefinition, transformationImplementation, videoTutorial, tutorial, implementation
description What is found there.

[custom]
. A key of your own.
property Name of the key.
value Its value: anything.
description What the key means.
vendor Who reads the key.

[support]
. A channel for questions and announcements.
channel Name of the channel.
url Address of the channel.
tool What runs the channel. | email, slack, teams, discord, ticket, other
scope What the channel is for. | interactive, announcements, issues
invitationUrl Address to ask for an invitation at.

[price]
. What the data costs.
priceAmount Price of one unit.
priceCurrency Currency of the price. | USD, EUR
priceUnit What is paid for. | megabyte, gigabyte

[team]
. The people who stand behind the data.
name Name of the team.
members The people of the team.

[member]
. Somebody of the team.
username Name that the person signs in with, often an e-mail address.
role What the person does in the team. | owner, data steward
dateIn First day in the team. | 2024-01-31
dateOut Last day in the team. | 2024-12-31
replacedByUsername Who took over.

[role]
. A role that gives access to the data.
role Name of the role.
access What it allows. | read, write
firstLevelApprovers Who approves first.
secondLevelApprovers Who approves then.

[sla]
. A service level.
property What is promised. | latency, freshness, frequency, retention, availability, generalAvailability, endOfSupport
value The promised value.
valueExt A second value, such as the end of a range.
unit Unit of the value. | d, h, min, y
element What it is about, as object.property; several with commas. | orders.created_at
driver Why it matters. | regulatory, analytics, operational
scheduler Program that starts the check. | cron
schedule When it is checked, in the words of the scheduler. | 0 20 * * *

[object]
. A table, view, file, topic or document.
name Name of the object in this contract.
physicalType What it is where it is stored. | table, view, topic, file
businessName Name that business people use.
deprecated Whether it will go away.
synonyms Other names that people use.
logicalType Always `object`.
physicalName Name where it is stored, if it is another one.
dataGranularityDescription What one row stands for.
properties The columns or fields.
relationships Foreign keys of the object.
quality Checks of the object as a whole.
context Guidance for assistants and other programs that read this.

[item]
. A column or field, or an element of one.
name Name of the column or field.
physicalType Type where it is stored. | VARCHAR(20), DECIMAL(18,2), TIMESTAMP
businessName Name that business people use.
deprecated Whether it will go away.
synonyms Other names that people use.
primaryKey Whether it belongs to the primary key.
primaryKeyPosition Its position in a primary key of several columns, from 1.
logicalType Type, whatever the storage calls it.
logicalTypeOptions Bounds, formats and patterns; which ones depends on `logicalType`.
physicalName Name where it is stored, if it is another one.
required Whether every row has a value.
unique Whether no value comes twice.
semanticType Whether it is stored, computed (a measure) or grouped by (a dimension).
partitioned Whether the table is partitioned by it.
partitionKeyPosition Its position among the partition columns, from 1.
classification How sensitive it is. | public, internal, confidential, restricted
encryptedName Column that holds the encrypted value.
transformSourceObjects Where it is computed from.
transformLogic How it is computed, in a language of your choice.
transformDescription How it is computed, in plain words.
examples Values as they occur.
enum The only values that it may have.
criticalDataElement Whether the business depends on it in particular.
relationships Foreign keys that start here.
quality Checks of its values.
items What the elements of an array are.
properties The fields of an object.
map What the keys and values of a map are.

[map]
. What the keys and values of a map are.
key What each key is.
value What each value is.

[enum_value]
. A value that is allowed.
value The value.
label What people read in its place.

[synonym]
. Another name.
synonym The name.
locale Language of the name. | en-US
source Where the name comes from.
status Whether the name is in use.

[object_relationship]
. A foreign key, from properties of this object to those of another one.
type Kind of relationship.
from Where it starts: object.property, or a list of these for a key of several columns.
to Where it leads: object.property, or a list as long as that of `from`.

[property_relationship]
. A foreign key that starts at this property.
type Kind of relationship.
to Where it leads: object.property.

[options.string]
. Options of a string.
minLength Least number of characters.
maxLength Greatest number of characters.
pattern Regular expression that the whole value matches. | ^[A-Z]{2}[0-9]+$
format Well-known form of the value. | email, uuid, uri, hostname, ipv4, ipv6

[options.date]
. Options of a date.
format How the date is written. | yyyy-MM-dd
maximum Latest date.
minimum Earliest date.
exclusiveMaximum Date that every value is before; until v3.0.2 whether `maximum` itself is excluded.
exclusiveMinimum Date that every value is after; until v3.0.2 whether `minimum` itself is excluded.

[options.timestamp]
. Options of a timestamp or time.
format How it is written. | yyyy-MM-dd HH:mm:ss
maximum Latest value.
minimum Earliest value.
exclusiveMaximum Moment that every value is before.
exclusiveMinimum Moment that every value is after.
timezone Whether values carry a time zone.
defaultTimezone Time zone of values that carry none. | Etc/UTC

[options.integer]
. Options of an integer.
multipleOf Every value is a multiple of it.
maximum Greatest value.
minimum Least value.
exclusiveMaximum Every value is below it; until v3.0.2 whether `maximum` itself is excluded.
exclusiveMinimum Every value is above it; until v3.0.2 whether `minimum` itself is excluded.
format Width in bits, with or without sign.

[options.number]
. Options of a number.
multipleOf Every value is a multiple of it.
maximum Greatest value.
minimum Least value.
exclusiveMaximum Every value is below it; until v3.0.2 whether `maximum` itself is excluded.
exclusiveMinimum Every value is above it; until v3.0.2 whether `minimum` itself is excluded.
format Width in bits.

[options.object]
. Options of an object.
maxProperties Greatest number of fields.
minProperties Least number of fields.
required Names of the fields that must be there.

[options.array]
. Options of an array.
maxItems Greatest number of elements.
minItems Least number of elements.
uniqueItems Whether all elements differ.

[options.vector]
. Options of a vector.
dimensions Number of elements.
elementType Type of the elements.
distanceMetric How the distance of two vectors is measured.
embeddingModel Model that computes the vectors.
embeddingModelVersion Version of that model.
normalized Whether every vector has length 1.

[quality]
. A check of the data.
businessImpact What happens when the check fails.
dimension Which side of quality it measures.
method How it is compared. | reconciliation
name Short name of the check.
schedule When it runs, in the words of the scheduler. | 0 20 * * *
scheduler Program that starts it. | cron
severity How bad a failure is. | info, warning, error
type Kind of check: words, a well-known metric, a query, or a check of another tool.
unit What the measured number counts. | rows, percent

[quality.library]
. A check by a well-known metric.
rule Old name of `metric`.
metric What is measured.
arguments Arguments of the metric, such as `validValues` or `properties`.
validValues The values that are valid.
missingValues The values that count as missing.
pattern Regular expression of valid values.
properties The properties that must be unique together.

[quality.sql]
. A check by a query.
query Query that returns one number; ${object} and ${property} stand for their names.

[quality.custom]
. A check of another tool.
engine The tool. | soda, greatExpectations, dqx
implementation The check, in the language of the tool.

[quality.operators]
mustBe The measured value is this one.
mustNotBe The measured value is any but this one.
mustBeGreaterThan The measured number is above it.
mustBeGreaterOrEqualTo The measured number is it or above it.
mustBeLessThan The measured number is below it.
mustBeLessOrEqualTo The measured number is it or below it.
mustBeBetween The measured number is from the first to the second one.
mustNotBeBetween The measured number is not from the first to the second one.

[server]
. Where the data is.
server Name of the server in this contract.
type What kind of system it is.
environment Which stage it is. | prod, preprod, dev, uat
roles Roles that give access to the server.

[server.*]
account Account of the system or cloud.
catalog Name of the catalog.
catalogUrl Address of the catalog.
database Name of the database.
dataset Name of the dataset.
delimiter What stands between documents of one file. | new_line, array
encoding Character encoding. | UTF-8
endpointUrl Address of the service.
format Format of the files or messages. | parquet, delta, json, csv
host Name or address of the host.
location Address of the data.
namespace Name of the namespace.
path Path of the data.
port Number of the port.
project Name of the project.
region Region of the cloud.
regionName Region of the cloud.
schema Name of the schema.
serviceName Name of the service.
stagingDir Where results of queries are kept.
staging_dir Where results of queries are kept.
stream Name of the stream.
warehouse Name of the warehouse.
workgroup Name of the workgroup.
"""
