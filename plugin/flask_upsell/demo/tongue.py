"""The demo's languages: `?lang=ar` lets this visitor see the widgets in Arabic, `?lang=` in English again.

The shop's own texts are English; a page of a language that is written from right to left is laid out so.
"""

from __future__ import annotations

from babel import Locale, UnknownLocaleError
from flask import has_request_context, session

ENGLISH = "en-GB"


def speak(text: str) -> bool:
    """Change this visitor's language; "" is English. False for what is no language, which changes nothing."""
    if not text.strip():
        session.pop("lang", None)
        return True
    try:
        locale = Locale.parse(text.strip(), sep="-")
    except (ValueError, UnknownLocaleError):
        return False
    session["lang"] = str(locale).replace("_", "-")
    return True


def language() -> str:
    """BCP 47."""
    chosen = session.get("lang") if has_request_context() else None
    return chosen if isinstance(chosen, str) else ENGLISH


def direction() -> str:
    return Locale.parse(language(), sep="-").text_direction
