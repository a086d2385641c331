"""The admin: pages at /upsell/admin/ for merchants. Modules of pages add theirs to one `Admin`."""

from __future__ import annotations

from flask import Blueprint

from ...desk import Desk
from ...jobs import Parts
from ..widget import Widget
from . import (
    api,
    audit,
    files,
    help,
    home,
    learning,
    options,
    pick,
    products,
    publish,
    ruleedit,
    rules,
    ruleview,
    seasons,
    simulate,
    suggestions,
)
from .office import Admin

#: Modules of pages, in the order of the menu.
PAGES = (
    home,
    rules,
    ruleedit,
    ruleview,
    seasons,
    simulate,
    suggestions,
    learning,
    products,
    publish,
    files,
    audit,
    options,
    api,
    help,
    pick,
)


def admin_blueprint(parts: Parts, widget: Widget, desk: Desk) -> Blueprint:
    """The admin of one instance. Only where the host says who may work in it (ADMIN_USER)."""
    admin = Admin(parts, widget, desk)
    for module in PAGES:
        module.add(admin)
    return admin.blueprint
