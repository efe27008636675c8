"""Values as Python source that any formatter leaves alone and that always evaluates to the same value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["python_string", "python_value"]

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def python_string(text: str) -> str:
    r"""`text` as a Python string literal: triple quotes for several lines where that is safe, else one line.

    Lines inside triple quotes are not indented, as they are part of the text. Quotes are chosen as formatters do.

    >>> print(python_string("it's"))
    "it's"
    >>> len(python_string("a\nb").splitlines())
    3
    """
    if "\n" in text and _fits_triple(text):
        return f'r"""{text}"""' if "\\" in text else f'"""\\\n{text}"""'
    return _one_line(text)


def _fits_triple(text: str) -> bool:
    plain = all(char == "\n" or char.isprintable() for char in text)
    return plain and '"""' not in text and not text.startswith('"') and not text.endswith(('"', "\\"))


def _one_line(text: str) -> str:
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(char, quote) for char in text) + quote


def _escaped(char: str, quote: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == quote:
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def python_value(value: object, indent: str) -> str:
    """A string, truth value, list of strings or dictionary of strings; `indent` is that of the line it starts on."""
    match value:
        case str():
            return python_string(value)
        case bool():
            return repr(value)
        case Mapping():
            lines = [f"{indent}    {python_string(str(k))}: {python_string(str(v))}," for k, v in value.items()]
            return "\n".join(["{", *lines, indent + "}"])
        case Sequence():
            return "\n".join(["[", *(f"{indent}    {python_string(str(each))}," for each in value), indent + "]"])
    raise TypeError(f"no Python literal for {type(value).__name__}")
