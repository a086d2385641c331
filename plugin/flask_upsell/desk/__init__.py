"""The desk: what merchants do, whoever asks for it (pages, API, commands). No request and no HTML in here.

Each part is a module with one class; a `Desk` has them all, made when they are first asked for.
"""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import Engine

from ..adapters.assortment import SQLAssortment
from ..adapters.audit import SQLAudit
from ..adapters.catalogue import SQLCatalogue
from ..adapters.days import SQLDays
from ..adapters.drafts import SQLDrafts
from ..adapters.imports import SQLImports
from ..adapters.linted import SQLLinted
from ..adapters.machines import SQLMachines
from ..adapters.notes import SQLNotes
from ..adapters.options import SQLOptions
from ..adapters.pairs import SQLPairs
from ..adapters.reach import SQLReach
from ..adapters.revisions import SQLRevisions
from ..adapters.rulelist import SQLRuleList
from ..adapters.runlist import SQLRunList
from ..adapters.runs import SQLRuns
from ..adapters.seasonal import SQLSeasonal
from ..adapters.steps import SQLSteps
from ..adapters.verdicts import SQLVerdicts
from ..offers import Offers
from .assortment import Assortment
from .backtests import JOB as BACKTEST
from .backtests import Backtests
from .catalogue import Catalogue
from .drafts import Drafts
from .imports import Imports
from .linting import JOB as LINT
from .linting import Linting
from .machines import Machines
from .notes import Notes
from .options import Options
from .overview import Overview
from .products import Products
from .releases import Releases
from .rulelist import RuleList
from .samples import Samples
from .seasonal import SeasonalRules
from .simulation import JOB, Simulation
from .steps import Steps
from .verdicts import Verdicts


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
    def machines(self) -> Machines:
        return Machines(SQLMachines(self.engine, self.identifier, self.audit), lambda: self.offers.clock())

    @cached_property
    def runs(self) -> SQLRunList:
        return SQLRunList(self.engine, self.identifier)

    @cached_property
    def simulation(self) -> Simulation:
        return Simulation(SQLRuns(self.engine, self.identifier, JOB), self.offers)

    @cached_property
    def backtests(self) -> Backtests:
        runs, learning = (SQLRuns(self.engine, self.identifier, job) for job in (BACKTEST, "learn"))
        options = SQLOptions(self.engine, self.identifier, self.audit)
        return Backtests(runs, learning, options, self.offers, self.imports)

    @cached_property
    def releases(self) -> Releases:
        kept = SQLRevisions(self.engine, self.identifier)
        return Releases(self.offers, self.drafts, self.options, kept, SQLReach(self.engine, self.identifier))

    @cached_property
    def overview(self) -> Overview:
        return Overview(self.offers, self.days, self.drafts, SQLReach(self.engine, self.identifier), self.linting)

    @cached_property
    def linting(self) -> Linting:
        runs = SQLRuns(self.engine, self.identifier, LINT)
        return Linting(SQLLinted(self.engine, self.identifier), runs, self.offers)

    @cached_property
    def days(self) -> SQLDays:
        return SQLDays(self.engine, self.identifier, self.offers.zone)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(SQLCatalogue(self.engine, self.identifier), self.offers)

    @cached_property
    def verdicts(self) -> Verdicts:
        kept = SQLVerdicts(self.engine, self.identifier, self.audit)
        return Verdicts(kept, SQLPairs(self.engine, self.identifier), self.options, self.audit, self.offers)

    @cached_property
    def seasonal(self) -> SeasonalRules:
        return SeasonalRules(SQLSeasonal(self.engine, self.identifier), self.verdicts, self.drafts, self.offers)

    @cached_property
    def notes(self) -> Notes:
        return Notes(SQLNotes(self.engine, self.identifier, self.audit), self.offers)

    @cached_property
    def products(self) -> Products:
        return Products(self.offers, self.catalogue, self.notes, self.verdicts)

    @cached_property
    def rules(self) -> RuleList:
        return RuleList(SQLRuleList(self.engine, self.identifier), self.offers)

    @cached_property
    def steps(self) -> Steps:
        return Steps(SQLSteps(self.engine, self.identifier), self.drafts)

    @cached_property
    def samples(self) -> Samples:
        return Samples(self.offers, self.releases)

    @cached_property
    def imports(self) -> Imports:
        return Imports(SQLImports(self.engine, self.identifier, self.audit), self.offers)

    @cached_property
    def assortment(self) -> Assortment:
        return Assortment(SQLAssortment(self.engine, self.identifier, self.audit), self.offers, self.catalogue)

    @property
    def off(self) -> bool:
        """Whether somebody has switched all offers off. Raises what the ledger raises when it is away."""
        return self.offers.switch.state() is not None
