"""The desk: what merchants do, whoever asks for it (pages, API, commands). No request and no HTML in here.

Each part is a module with one class; a `Desk` has them all, made when they are first asked for.
"""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import Engine

from ..adapters.audit import SQLAudit
from ..adapters.catalogue import SQLCatalogue
from ..adapters.drafts import SQLDrafts
from ..adapters.imports import SQLImports
from ..adapters.options import SQLOptions
from ..offers import Offers
from .catalogue import Catalogue
from .drafts import Drafts
from .imports import Imports
from .options import Options


class Desk:
    """One instance's."""

    def __init__(self, identifier: str, offers: Offers, engine: Engine, audit: SQLAudit) -> None:
        self.identifier, self.offers, self.engine, self.audit = identifier, offers, engine, audit

    @cached_property
    def options(self) -> Options:
        return Options(SQLOptions(self.engine, self.identifier, self.audit), lambda: self.offers.clock())

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(SQLDrafts(self.engine, self.identifier), self.offers)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(SQLCatalogue(self.engine, self.identifier), self.offers)

    @cached_property
    def imports(self) -> Imports:
        return Imports(SQLImports(self.engine, self.identifier, self.audit), self.offers)

    @property
    def off(self) -> bool:
        """Whether somebody has switched all offers off. Raises what the ledger raises when it is away."""
        return self.offers.switch.state() is not None
