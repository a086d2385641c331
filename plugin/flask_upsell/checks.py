"""What the value of a setting may be: None, or what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError

from .keys import MAKE_ONE

#: What a site's addresses begin with: no slash at the end, nothing that would have to be escaped in a mail's header.
SITE = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%-]+)*\Z")


def text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else f"write a text, not {value!r}"


def one_of(*known: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        return None if value in known else f"write one of {', '.join(map(repr, known))}, not {value!r}"

    return check


def whole(least: int, most: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return None
        return f"write a whole number from {least} to {most}, not {value!r}"

    return check


def number(least: float, most: float) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return None
        return f"write a number from {least} to {most}, not {value!r}"

    return check


def zone(value: Any) -> str | None:
    if isinstance(value, str) and value in available_timezones():
        return None
    return f"write an IANA time zone such as 'Europe/Rome' or 'UTC', not {value!r}"


def language(value: Any) -> str | None:
    try:
        Locale.parse(value, sep="-")
    except (ValueError, TypeError, UnknownLocaleError):
        return f"write a language such as 'de' or 'pt-BR', not {value!r}"
    return None


def folder(value: Any) -> str | None:
    if value is None or (isinstance(value, str | Path) and value != "" and Path(value).is_dir()):
        return None
    return f"write the path of a folder that is there, not {value!r}"


def flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"write True or False, not {value!r}"


def url_prefix(value: Any) -> str | None:
    if isinstance(value, str) and value.startswith("/") and len(value) > 1 and not value.endswith("/"):
        return None
    return f"write a path such as '/upsell', not {value!r}"


def keys(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple) and value and all(isinstance(k, str) and len(k) >= 32 for k in value):
        return None
    return f"write a list of secrets of 32 characters or more, oldest first; {MAKE_ONE}"


def secret(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and len(value) >= 32):
        return None
    return f"write a secret of 32 characters or more; {MAKE_ONE}"


def callable_or_none(value: Any) -> str | None:
    return None if value is None or callable(value) else f"write a function or None, not {value!r}"


def site_url(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and SITE.match(value)):
        return None
    return f"write what the store's addresses begin with, such as 'https://shop.example', not {value!r}"
