"""Where a form stood that somebody sent."""

from __future__ import annotations

from flask import request


def from_here(*, anonymous: bool) -> bool:
    """Whether a browser sent this POST from a page of this site. Of whom a form has no secret (`anonymous`), the
    browser's word is needed; otherwise its silence is allowed (old browsers, machines)."""
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is not None:
        # Without the scheme: behind a proxy that ends TLS the app is spoken to by http.
        return origin.partition("://")[2] == request.host
    return not anonymous
