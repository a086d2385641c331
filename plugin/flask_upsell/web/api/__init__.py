"""The REST API at /upsell/api/v1/: what the pages of the admin do, for machines. Needs the extra `api`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from flask import Flask

from ...jobs import Parts

if TYPE_CHECKING:
    from .counter import Counter


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("flask_smorest") is not None


def add_api(app: Flask, parts: Parts) -> Counter | None:
    """Register the API of one instance; None without the extra. Only where the host says who may work (ADMIN_USER)."""
    if not available():
        return None
    # Nothing of it is loaded where the extra is not there.
    from . import document, drafts, explain, imports, looking, products, releases, rules, runs, seasonal, settings
    from .counter import Counter

    counter = Counter(app, parts)
    for module in (rules, drafts, releases, imports, products, seasonal, runs, explain, looking, settings, document):
        module.add(counter)
    counter.api.register_blueprint(counter.blueprint)
    return counter
