"""Codes of everything that lint finds beyond the grammar and the rules, each with its severity and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lakepact.contract.problems import Code as ContractCode
from lakepact.errors import Severity

__all__ = ["CHECKS", "Check", "LintCode", "reportable_codes"]


class LintCode(StrEnum):
    """Stable codes of lint; meaning, severity and remedy of each are in `CHECKS`."""

    DUPLICATE_OBJECT = "LP720"
    DUPLICATE_PROPERTY = "LP721"
    SHARED_TABLE = "LP722"
    SHARED_COLUMN = "LP723"
    UNUSABLE_NAME = "LP724"
    DUPLICATE_ID = "LP725"
    REPEATED_ENTRY = "LP726"
    NOT_SEMANTIC_VERSION = "LP727"
    UNKNOWN_STATUS = "LP728"
    READ_OTHERWISE = "LP729"
    REVERSED_BOUNDS = "LP730"
    NOTHING_FITS = "LP731"
    DEMANDS_NOTHING = "LP732"
    FRACTION_FOR_INTEGER = "LP733"
    SWITCH_WITHOUT_BOUND = "LP734"
    OTHER_IN_JAVA = "LP735"
    MATCHES_EVERYTHING = "LP736"
    MISREAD_LETTER = "LP737"
    FORMAT_UNLIKE_TYPE = "LP738"
    NOTHING_TO_LINT = "LP739"
    POSITION_TWICE = "LP740"
    POSITION_GAP = "LP741"
    POSITION_WITHOUT_KEY = "LP742"
    KEY_WITHOUT_POSITION = "LP743"
    NESTED_KEY = "LP745"
    UNFIT_PARTITION = "LP746"
    MEASURE_AS_COLUMN = "LP747"
    AMBIGUOUS_UNIT = "LP748"
    EMPTY_SERVICE_LEVEL = "LP749"
    LEADS_NOWHERE = "LP750"
    TYPES_DIFFER = "LP751"
    TARGET_NOT_UNIQUE = "LP752"
    REFERS_TO_ITSELF = "LP753"
    UNKNOWN_CODE = "LP754"
    OPERATORS_CONTRADICT = "LP755"
    ROW_COUNT_OF_PROPERTY = "LP756"
    ARGUMENT_NOT_READ = "LP757"
    TEXT_SAYS_NOTHING = "LP758"
    QUERY_WITHOUT_PLACEHOLDER = "LP759"
    NEVER_HOLDS = "LP760"
    ALWAYS_HOLDS = "LP761"
    BOUNDS_INCLUDED = "LP762"
    VALUE_NOT_OF_TYPE = "LP763"
    VALUE_NOT_TEXT = "LP764"
    VALUE_BREAKS_OPTION = "LP765"
    VALUE_TWICE = "LP766"
    NULL_WHERE_REQUIRED = "LP767"
    EXAMPLE_BREAKS_RULE = "LP768"
    SAME_VERSION_TWICE = "LP769"


@dataclass(frozen=True, slots=True)
class Check:
    """What a code means, how bad it is by default, and what to do."""

    severity: Severity
    meaning: str
    remedy: str


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

CHECKS: dict[LintCode, Check] = {
    LintCode.DUPLICATE_OBJECT: Check(
        _E, "Two schema objects have the same name; upper and lower case count as the same.", "Rename one of the two."
    ),
    LintCode.DUPLICATE_PROPERTY: Check(
        _E,
        "Two properties side by side have the same name; upper and lower case count as the same.",
        "Rename one of the two.",
    ),
    LintCode.SHARED_TABLE: Check(
        _W, "Two schema objects have the same physical name.", "Give one of them another `physicalName`."
    ),
    LintCode.SHARED_COLUMN: Check(
        _E, "Two properties are stored in the same column.", "Give one of them another `physicalName`."
    ),
    LintCode.UNUSABLE_NAME: Check(
        _E, "A name is empty, has invisible characters, or spaces around it (a warning).", "Write a plain name."
    ),
    LintCode.DUPLICATE_ID: Check(
        _E, "Two entries of one list have the same `id`.", "Give each its own; a reference could mean either."
    ),
    LintCode.REPEATED_ENTRY: Check(
        _W, "A server, role or custom property is listed twice.", "Remove or rename one of the two."
    ),
    LintCode.NOT_SEMANTIC_VERSION: Check(
        _W, "The version of the contract is not a semantic version.", "Write MAJOR.MINOR.PATCH, for example 1.4.0."
    ),
    LintCode.UNKNOWN_STATUS: Check(
        _I, "The status is not one that the standard names.", "Use proposed, draft, active, deprecated or retired."
    ),
    LintCode.READ_OTHERWISE: Check(
        _W, "A text without quotes is a date, a boolean or a number to readers of YAML 1.1.", "Put it in quotes."
    ),
    LintCode.REVERSED_BOUNDS: Check(_E, "A lower limit is above the upper limit.", "Exchange or correct them."),
    LintCode.NOTHING_FITS: Check(
        _E, "No value can meet the limits of a property, or none of its type can.", "Widen a limit or the type."
    ),
    LintCode.DEMANDS_NOTHING: Check(
        _W, "A limit lies beyond every value of the type.", "Remove it, or correct the limit or the type."
    ),
    LintCode.FRACTION_FOR_INTEGER: Check(
        _W, "A limit of an integer property is a fraction.", "Write a whole number, or use logicalType number."
    ),
    LintCode.SWITCH_WITHOUT_BOUND: Check(
        _W, "An exclusive limit is switched on where there is no limit (v3.0).", "Add the limit or remove the switch."
    ),
    LintCode.OTHER_IN_JAVA: Check(
        _I,
        "Java's engine reads a pattern otherwise than the standard; lakepact translates it, other tools may not.",
        "Write it so that both read the same.",
    ),
    LintCode.MATCHES_EVERYTHING: Check(_W, "A pattern matches every text.", "Remove or tighten it."),
    LintCode.MISREAD_LETTER: Check(
        _W, "A letter of a date format means something else than its place suggests.", "Use the letter that is meant."
    ),
    LintCode.FORMAT_UNLIKE_TYPE: Check(
        _W, "The parts of a date format do not fit the logical type or `timezone`.", "Change the type or the format."
    ),
    LintCode.NOTHING_TO_LINT: Check(_E, "No contract was found where lint looked.", "Name a file or another folder."),
    LintCode.POSITION_TWICE: Check(
        _E, "Two properties have the same position in a key.", "Give each member its own position."
    ),
    LintCode.POSITION_GAP: Check(_W, "Positions in a key are not 1, 2, 3, and so on.", "Number the members from 1."),
    LintCode.POSITION_WITHOUT_KEY: Check(
        _W, "A property has a position in a key that it is no part of.", "Set the flag or remove the position."
    ),
    LintCode.KEY_WITHOUT_POSITION: Check(
        _W, "Some members of a key have a position and some have none.", "Give each member a position."
    ),
    LintCode.NESTED_KEY: Check(
        _W, "A nested property is marked as part of a key of the table.", "Mark a property of the object itself."
    ),
    LintCode.UNFIT_PARTITION: Check(
        _W, "A table cannot be partitioned as the contract says.", "Partition by some columns with single values."
    ),
    LintCode.MEASURE_AS_COLUMN: Check(
        _E, "A measure is used as if it were stored.", "Use a column; a measure is computed by its reader."
    ),
    LintCode.AMBIGUOUS_UNIT: Check(_W, "The unit `m` may be minutes or months.", "Write `min` or `month`."),
    LintCode.EMPTY_SERVICE_LEVEL: Check(
        _W, "A service level promises nothing: no value, a negative one, or no unit of time.", "Complete it."
    ),
    LintCode.LEADS_NOWHERE: Check(
        _W, "A name refers to nothing in the contract.", "Correct the name, or add what it refers to."
    ),
    LintCode.TYPES_DIFFER: Check(
        _W, "The two ends of a relationship have different types.", "Give both the same logical type."
    ),
    LintCode.TARGET_NOT_UNIQUE: Check(
        _W, "What a relationship points at is neither the primary key nor unique.", "Declare it unique, or as the key."
    ),
    LintCode.REFERS_TO_ITSELF: Check(_W, "A relationship leads to where it starts.", "Correct `to`."),
    LintCode.UNKNOWN_CODE: Check(_E, "A code that was asked for does not exist.", "Use a code of this page."),
    LintCode.OPERATORS_CONTRADICT: Check(
        _E, "The operators of a rule cannot hold together.", "Keep those that are meant."
    ),
    LintCode.ROW_COUNT_OF_PROPERTY: Check(
        _W, "`rowCount` stands on a property; it counts the rows of the object.", "Move it to the object."
    ),
    LintCode.ARGUMENT_NOT_READ: Check(
        _W, "A rule has an argument that its metric does not read.", "Remove it, or use the metric that reads it."
    ),
    LintCode.TEXT_SAYS_NOTHING: Check(
        _W, "A rule of type text has no text.", "Describe in `description` what must hold."
    ),
    LintCode.QUERY_WITHOUT_PLACEHOLDER: Check(
        _W, "A query names its table itself.", "Write the placeholder of the object, so that it reads the right table."
    ),
    LintCode.NEVER_HOLDS: Check(_E, "No measured value can meet a threshold.", "Correct the threshold or the unit."),
    LintCode.ALWAYS_HOLDS: Check(
        _W, "Every measured value meets a threshold.", "Tighten the threshold, or remove the rule."
    ),
    LintCode.BOUNDS_INCLUDED: Check(
        _I,
        "The bounds of a between operator count as inside here; the text of the standard says outside.",
        "Nothing, if the bounds are meant; else use two rules.",
    ),
    LintCode.VALUE_NOT_OF_TYPE: Check(
        _E, "A listed value is none of the property's type.", "Correct the value or the type."
    ),
    LintCode.VALUE_NOT_TEXT: Check(
        _W, "A listed value of a text property is a number or a boolean.", "Put it in quotes."
    ),
    LintCode.VALUE_BREAKS_OPTION: Check(
        _W, "A listed value breaks a limit of its own property.", "Correct the value or the limit."
    ),
    LintCode.VALUE_TWICE: Check(_W, "A value is listed twice, once read by its type.", "Remove one of the two."),
    LintCode.NULL_WHERE_REQUIRED: Check(
        _W, "Null is listed as allowed and the property is required.", "Remove the null, or `required`."
    ),
    LintCode.EXAMPLE_BREAKS_RULE: Check(
        _W, "An example breaks a rule of its property.", "Correct the example or the rule."
    ),
    LintCode.SAME_VERSION_TWICE: Check(
        _E, "Two files hold the same version of the same contract.", "Change the version or the id of one of them."
    ),
}

_NOT_IN_A_DOCUMENT = (LintCode.NOTHING_TO_LINT, LintCode.UNKNOWN_CODE)
_ABOUT_DOCUMENTS = range(101, 170)
# Those of the rules have no names there.
_ABOUT_RULES = (*range(201, 210), 211)


def reportable_codes() -> Iterator[str]:
    """Every code that a finding in a document can have, in order."""
    yield from (code.value for code in ContractCode if int(code.value[2:]) in _ABOUT_DOCUMENTS)
    yield from (f"LP{number}" for number in _ABOUT_RULES)
    yield from (code.value for code in LintCode if code not in _NOT_IN_A_DOCUMENT)
