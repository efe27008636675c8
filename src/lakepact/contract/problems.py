"""Codes of everything that can be wrong with an ODCS document, each with its one-line meaning."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MEANINGS", "Code"]


class Code(StrEnum):
    """Stable codes LP1xx; the meaning of each is in `MEANINGS`."""

    INVALID = "LP100"
    UNREADABLE = "LP101"
    TOO_LARGE = "LP102"
    NOT_UTF8 = "LP103"
    SYNTAX = "LP104"
    EMPTY = "LP105"
    SEVERAL_DOCUMENTS = "LP106"
    ROOT_NOT_MAPPING = "LP107"
    DUPLICATE_KEY = "LP108"
    TOO_DEEP = "LP109"
    TOO_MANY_NODES = "LP110"
    RECURSIVE_ALIAS = "LP111"
    CUSTOM_TAG = "LP112"
    KEY_NOT_TEXT = "LP113"
    NOT_A_JSON_NUMBER = "LP114"
    WRONG_MERGE = "LP115"
    WRONG_KIND = "LP120"
    UNKNOWN_API_VERSION = "LP121"
    LEGACY_API_VERSION = "LP122"
    MISSING_KEY = "LP130"
    UNKNOWN_KEY = "LP131"
    WRONG_TYPE = "LP132"
    UNQUOTED_TEXT = "LP133"
    NOT_ALLOWED = "LP134"
    OUT_OF_RANGE = "LP135"
    WRONG_CHARACTERS = "LP136"
    NOT_UNIQUE = "LP137"
    WRONG_OPERATORS = "LP138"
    WRONG_RELATIONSHIP = "LP139"
    WRONG_OPTION = "LP140"
    OTHER_VERSION = "LP141"
    EMPTY_VALUE = "LP142"
    UNKNOWN_UNIT = "LP150"
    UNRESOLVED_VARIABLE = "LP160"
    WRONG_VERSION = "LP170"
    WRONG_SPECIFIER = "LP171"
    LOST_IN_INTERCHANGE = "LP180"
    REFUSED_IN_INTERCHANGE = "LP181"
    UNWRITABLE = "LP182"
    EDIT_REFUSED = "LP190"


MEANINGS: dict[Code, str] = {
    Code.INVALID: "The document has errors; they are listed under it.",
    Code.UNREADABLE: "The file cannot be opened or read.",
    Code.TOO_LARGE: "The document is larger than the limit.",
    Code.NOT_UTF8: "The bytes are not UTF-8 text.",
    Code.SYNTAX: "The text is not YAML.",
    Code.EMPTY: "The document holds nothing.",
    Code.SEVERAL_DOCUMENTS: "The file holds several YAML documents.",
    Code.ROOT_NOT_MAPPING: "The document is a list or a scalar where keys and values are needed.",
    Code.DUPLICATE_KEY: "A mapping has the same key twice.",
    Code.TOO_DEEP: "The document is nested deeper than the limit.",
    Code.TOO_MANY_NODES: "The document has more elements than the limit, counted with aliases expanded.",
    Code.RECURSIVE_ALIAS: "An alias stands inside the element that it names, or names nothing.",
    Code.CUSTOM_TAG: "A YAML tag asks for a type that JSON does not have.",
    Code.KEY_NOT_TEXT: "A key of a mapping is a list or a mapping.",
    Code.NOT_A_JSON_NUMBER: "A number is infinite, not a number, or too long.",
    Code.WRONG_MERGE: "The merge key `<<` has a value that is not a mapping.",
    Code.WRONG_KIND: "The document is not a data contract.",
    Code.UNKNOWN_API_VERSION: "The version of the standard is not one that is read.",
    Code.LEGACY_API_VERSION: "The document follows version 2 of the standard, which is not read.",
    Code.MISSING_KEY: "A required key is absent.",
    Code.UNKNOWN_KEY: "The standard does not know the key at this place; an error in closed sections, else a warning.",
    Code.WRONG_TYPE: "A value has another type than the standard says.",
    Code.UNQUOTED_TEXT: "Text is written without quotes and reads as a number or a boolean.",
    Code.NOT_ALLOWED: "A value is not in the list that the standard allows.",
    Code.OUT_OF_RANGE: "A number, or the length of a list, is outside of what the standard allows.",
    Code.WRONG_CHARACTERS: "A text has characters or a form that the standard does not allow there.",
    Code.NOT_UNIQUE: "A list that must not repeat itself does.",
    Code.WRONG_OPERATORS: "A quality rule does not have exactly one operator.",
    Code.WRONG_RELATIONSHIP: "A relationship does not follow the form for its level.",
    Code.WRONG_OPTION: "An option or a nested element does not fit the logical type.",
    Code.OTHER_VERSION: "The document uses what another version of the standard allows; accepted in compatible mode.",
    Code.EMPTY_VALUE: "A key has no value; in compatible mode it is read as absent.",
    Code.UNKNOWN_UNIT: "The unit of a quality rule is neither rows nor percent.",
    Code.UNRESOLVED_VARIABLE: "A variable has no value and no default.",
    Code.WRONG_VERSION: "A text is not a semantic version.",
    Code.WRONG_SPECIFIER: "A text is not a version specifier.",
    Code.LOST_IN_INTERCHANGE: "The official model has no place for a field.",
    Code.REFUSED_IN_INTERCHANGE: "The official model refuses the document.",
    Code.UNWRITABLE: "A value has no form in JSON, so it cannot be written.",
    Code.EDIT_REFUSED: "A change of the text cannot be made with certainty.",
}
