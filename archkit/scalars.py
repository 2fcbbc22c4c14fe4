"""Scalars of YAML 1.2's core schema: what a word without quotes means, and how to write one."""

from __future__ import annotations

import re
from typing import Any

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
MAX_DIGITS = 100

# What YAML 1.1 took for a switch, an octal number, a number in base 60 or with underscores.
_SWITCH = frozenset(
    word for low in ("y", "n", "yes", "no", "on", "off") for word in (low, low.title(), low.upper())
)
_ON = frozenset(("y", "yes", "on"))
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_ODD_NUMBER = re.compile(
    r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?|[-+]?0b[01_]+"
)

# Text that needs no quotes, in a block and inside brackets.
_PLAIN = re.compile(r"[A-Za-z(](?:[\w ,.;/()+=~@'*?!<>-]|:(?=//))*(?<! )", re.ASCII)
_ENCLOSED = re.compile(r"[A-Za-z](?:[\w ./()+=~@*-]|:(?=//))*(?<! )", re.ASCII)
_ESCAPED = re.compile(
    '["\\\\\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]|\\$(?=\\{)'
)


def scalar(word: str) -> Any:
    """What a word without quotes means; raises OverflowError for absurdly long whole numbers.

    Examples:
        >>> [scalar(word) for word in ("1e-4", "010", "0x10", "no", "~", "1:30", "True")]
        [0.0001, 10, 16, 'no', None, '1:30', True]
    """
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in "-+.0123456789":
        return word
    if _INTEGER.fullmatch(word):
        if len(word) > MAX_DIGITS:
            raise OverflowError(word)
        return int(word, 0) if word[:2] in ("0o", "0x") else int(word)
    if _FLOAT.fullmatch(word):
        return float(word.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return word


def surprise(word: str) -> tuple[str, str, str] | None:
    """Code, message and mend for a word that YAML 1.1 would have read as something else."""
    if word in _SWITCH:
        mend = "write true or false if you mean a switch, or put the text in quotes"
        return "yaml-1.1-word", f"`{word}` is text here, as YAML 1.2 reads it", mend
    if _OCTAL.fullmatch(word) and (eight := int(word, 8)) != int(word):
        mend = f"write {int(word)}, or {eight} if you mean the octal number"
        return "yaml-1.1-number", f"`{word}` is the number {int(word)} here, not octal", mend
    if _ODD_NUMBER.fullmatch(word):
        mend = "write the number in digits alone, or put the text in quotes"
        return "yaml-1.1-number", f"`{word}` is text here, as YAML 1.2 reads it", mend
    return None


def switch(word: Any) -> str:
    """The switch that YAML 1.1 took a word for, as YAML 1.2 writes it; empty if for none.

    Examples:
        >>> switch("Yes"), switch("off"), switch("true")
        ('true', 'false', '')
    """
    if not isinstance(word, str) or word not in _SWITCH:
        return ""
    return "true" if word.lower() in _ON else "false"


def written(value: Any, *, enclosed: bool = False) -> str:
    """A scalar as YAML that reads back as the same value, by older readers, too.

    Arguments:
        value: None, a truth value, a number or text.
        enclosed: It will stand inside brackets, where a comma is no text.

    Examples:
        >>> [written(value) for value in (None, True, 7, 1e-06, "group", "no", "a: b")]
        ['null', 'true', '7', '1.0e-06', 'group', '"no"', '"a: b"']
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _text(value, _ENCLOSED if enclosed else _PLAIN)
    raise TypeError(f"YAML has no word for {type(value).__name__}")


def _float(value: float) -> str:
    shown = repr(value)
    if shown.lstrip("-") in ("inf", "nan"):
        return shown.replace("inf", ".inf").replace("nan", ".nan")
    digits, mark, exponent = shown.partition("e")
    return shown if "." in digits or not mark else f"{digits}.0e{exponent}"


def _text(value: str, plain: re.Pattern[str]) -> str:
    if plain.fullmatch(value) and value not in _WORDS and value not in _SWITCH:
        return value
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in '"\\':
        return f"\\{character}"
    if character in "\n\t":
        return {"\n": "\\n", "\t": "\\t"}[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
