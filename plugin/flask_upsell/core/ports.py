"""The doors of the core: what it needs of a store, of the ledger, of the book's shelf and of the queue.

Every port takes and returns values of this folder only. Each has an adapter and an in-memory twin in `adapters/`,
and one contract suite in `tests/adapters/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import msgspec

from .affinity import Affinities, Affinity
from .book import Book
from .claims import Acceptance as Acceptance
from .claims import Claims
from .claims import Left as Left
from .claims import Started as Started
from .context import Capability, Cart, Line, Visitor
from .fresh import Edition
from .kind import Kind
from .lessons import Forgotten
from .product import Product
from .rule import Limits, Perk, Rule, Status
from .rulebook import Changes, RuleBook
from .rules import NEVER_CHANGED, NOTHING_SOLD
from .seasonal import Seasonal
from .taste import NOBODYS, Habits, Learned
from .words import Sentence


class Done(msgspec.Struct, frozen=True):
    """The store did it; `line` is the reference of the line that now holds the product ("" when it was removed)."""

    line: str


class Refused(msgspec.Struct, frozen=True):
    """The store said no; `reason` is a sentence for the shopper."""

    reason: str


class OrderLine(msgspec.Struct, frozen=True):
    """One line of a past order. `unit_price` in minor units; a negative `quantity` is a return."""

    order: str
    product: str
    quantity: int
    unit_price: int
    placed_at: datetime
    customer: str | None = None


class Order(msgspec.Struct, frozen=True):
    """An order as it was placed."""

    ref: str
    currency: str
    lines: tuple[Line, ...]
    customer: str | None = None


@runtime_checkable
class Store(Protocol):
    """The host's shop. `visitor`, `cart` and `products` are needed; `capabilities` says what else works.

    References are opaque strings. Methods may raise anything: callers treat it as "not now".
    """

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    def visitor(self) -> Visitor:
        """Who is looking at the page of the current request."""

    def cart(self, given: object = None) -> Cart:
        """This visitor's cart. `given`: what the page has loaded already, in the store's form, to save the query."""

    def products(self, refs: Sequence[str]) -> list[Product]:
        """The products as they are now, live, in any order; unknown ones are left out."""

    def add(self, product: str, variant: str | None, quantity: int, unit_price: int | None = None) -> Done | Refused:
        """Put a product into this visitor's cart. `unit_price` (minor units) needs the capability `line_price`."""

    def replace(
        self, line: str, product: str, variant: str | None, quantity: int, unit_price: int | None = None
    ) -> Done | Refused:
        """Make this line of the visitor's cart hold another product or quantity; options and coupons stay."""

    def remove(self, line: str) -> Done | Refused:
        """Take a line out of this visitor's cart."""

    def catalogue(self) -> Iterator[Product]:
        """Every product, hidden ones included; a stream."""

    def orders(self, since: datetime | None = None) -> Iterator[OrderLine]:
        """The lines of past orders placed at or after `since`; a stream, in any order."""

    def order(self, ref: str, connection: object = None) -> Order | None:
        """One order. `connection` is that of the transaction which is placing it."""

    def format_money(self, minor: int, currency: str) -> str:
        """The amount as this store writes it for this visitor."""

    def csrf_field(self) -> str | None:
        """The store's own hidden CSRF field as HTML, or None when it has none."""

    def urls(self) -> Mapping[str, str]:
        """Paths of this store's pages by placement, for the way back without JavaScript: {"cart": "/cart", …}."""


class Shelf(Protocol):
    """Where the published book stands. `off`: whether everything was switched off when it was read last; None when it
    could not be read."""

    off: bool | None

    def read(self, refs: Sequence[str]) -> Book:
        """The part of the live book that a decision about these products needs; never raises, may be empty or stale."""

    def patient(self) -> Shelf:
        """The same for jobs, whose answer is worth waiting a second for."""

    def publish(
        self,
        products: Iterable[Product],
        affinities: Iterable[tuple[str, Affinities]],
        learned: Learned | None = None,
    ) -> str:
        """Put up a whole new version at once and return its name; raises BookError and leaves the old one live."""

    def amend(self, products: Sequence[Product]) -> None:
        """Replace these products in the live version."""

    def edition(self) -> Edition | None:
        """What is live, asked of the backend; None when nothing was published. Raises BookError."""

    def relate(self, version: str, leads: Mapping[str, Affinities], habits: Mapping[str, Habits] = NOBODYS) -> bool:
        """Replace what these products lead to and these customers' habits in the live version; False, and nothing is
        changed, when it is not this one, amendments included. Raises BookError."""

    def forget(self, forgotten: Forgotten) -> None:
        """Take these people out of the live version; raises BookError."""

    def publish_rules(
        self,
        book: RuleBook,
        zone: str,
        spent: frozenset[str],
        sold: Mapping[str, int] = NOTHING_SOLD,
        changed: Mapping[str, datetime] = NEVER_CHANGED,
    ) -> str:
        """Put up other rules at once and return their version; raises BookError and leaves the old ones live."""

    def switch(self, off: bool) -> None:
        """Tell every reader that everything is off, or on again, in later versions too; raises BookError."""

    def published(self) -> tuple[str, datetime] | None:
        """The live version and when it was published (UTC), asked of the backend; None when there is none."""


#: (placement, kind, product) of what was shown, and the rule's name when it came of one.
Shown = tuple[str, ...]


class Count(msgspec.Struct, frozen=True):
    """One row of the report. `revenue` in minor units of `currency`."""

    placement: str
    kind: str
    product: str
    shown: int = 0
    accepted: int = 0
    declined: int = 0
    undone: int = 0
    converted: int = 0
    revenue: int = 0
    currency: str = ""


class Progress(msgspec.Struct, frozen=True):
    """The state of a background run. `done` of `total` steps of work; times in UTC."""

    id: str
    job: str
    state: str
    step: str
    done: int
    total: int
    started_at: datetime
    ended_at: datetime | None = None
    figures: dict[str, Any] = {}


class Promise(msgspec.Struct, frozen=True):
    """A perk that an order earned. `customer` is a pseudonym."""

    rule: str
    order: str
    customer: str
    perk: Perk


NO_PERKS: Mapping[str, Perk] = MappingProxyType({})


class Ledger(Claims, Protocol):
    """SQL: what must not be lost."""

    def record_decline(self, placement: str, kind: str, product: str, at: datetime, rule: str = "") -> None: ...

    def record_order(
        self,
        order: Order,
        visitor: str,
        at: datetime,
        connection: object = None,
        *,
        customer: str = "",
        perks: Mapping[str, Perk] = NO_PERKS,
    ) -> int:
        """Write the conversions of an order and its outbox row, once, in the order's transaction; returns how many.

        `perks`: what rules promise for what they offered; `customer`: the pseudonym that it is promised to.
        """

    def record_release(self, order: str, at: datetime, connection: object = None) -> None:
        """Write down, in the transaction that gives them back, that there may be room again in limits of rules."""

    def promised(self, order: str) -> list[Promise]:
        """What an order earned its customer."""

    def promises(self, customer: str) -> list[Promise]:
        """What this customer (a pseudonym) was promised, oldest first."""

    def sold(self, since: Mapping[str, datetime]) -> dict[str, int]:
        """Units that were ordered through rules since an instant for each; a bundle is one unit."""

    def fold(self) -> int:
        """Fold unfolded outbox rows into the counts, each exactly once; returns how many."""

    def waiting(self) -> int:
        """Outbox rows that are not folded yet."""

    def oldest(self) -> datetime | None:
        """When the oldest of them was written; None when there is none."""

    def add_shown(self, batch: str, shown: Mapping[Shown, int], at: datetime | None = None) -> None:
        """Add times shown, to the day of `at` (without it, of now); a batch of the same name counts once."""

    def counts(self, product: str = "") -> list[Count]:
        """All of them, or those of one product."""

    def save_affinities(self, rows: Iterable[tuple[Kind, str, Affinity]]) -> int: ...

    def save_seasonal(self, rows: Iterable[Seasonal]) -> int: ...

    def affinities(self) -> Iterator[tuple[str, Affinities]]: ...

    def progress(
        self, id: str, job: str, state: str, step: str, done: int, total: int, figures: Mapping[str, Any]
    ) -> None: ...

    def last_progress(self, job: str) -> Progress | None: ...

    def shares(self, connection: object) -> bool:
        """Whether this connection can write the ledger in its own transaction."""

    def ping(self) -> None:
        """Raises when the database or its tables are not there."""


class Tally(Protocol):
    """Counts of what was shown: cheap, may vanish."""

    def add(self, shown: Iterable[Shown]) -> None: ...

    def flush(self) -> None: ...

    def take(self) -> tuple[str, Mapping[Shown, int]] | None:
        """The oldest batch to fold (its name, its counts); stays until `drop`."""

    def drop(self, batch: str) -> None: ...


class Queue(Protocol):
    """Where background work is asked for."""

    def enqueue(self, job: str, *args: str, patient: bool = False) -> str | None:
        """Ask for a job by name; its id, or None when the queue cannot be reached. Never raises. `patient`: who asks is
        no page, and may wait a second."""

    def enqueue_once(self, job: str) -> None:
        """Ask for a job without arguments, unless it was asked for and has not begun: however much happens, the queue
        stays short. Never raises."""

    def begin(self, job: str) -> None:
        """Say that it begins, in the job itself: from now on it may be asked for again. Never raises."""

    def worker_seen(self) -> bool:
        """Whether a worker was alive in the last seconds."""

    def depth(self) -> int:
        """How many jobs wait for a worker."""


Report = Callable[[str, int, int], None]
"""Progress of a run: (step, done, total)."""


class Rates(Protocol):
    """How often somebody does something in a minute. Two minutes back nobody knows any more."""

    def take(self, limits: Mapping[str, int], *, surely: bool = False) -> int:
        """Count once more for each of these names, at most so often a minute; how many seconds to wait, 0 for none.

        `surely`: what only a backend that must not fail can know is asked there, and raises. Else it never raises, and
        what is not known is allowed.
        """


class Rules(Protocol):
    """Where a merchant's rules are kept. Each change of them is a new revision; 0 is an empty book."""

    def load(self) -> RuleBook:
        """All of it as of one moment. Raises RuleError with the name of what cannot be read."""

    def revision(self) -> int:
        """The current revision; who wants to save what he changed asks for it before `load`."""

    def changed(self) -> dict[str, datetime]:
        """When each rule was last changed (UTC)."""

    def changed_at(self) -> datetime | None:
        """When it was last changed; None when it never was."""

    def save(self, book: RuleBook, at: datetime, expected: int | None = None, writers: Sequence[str] = ()) -> Changes:
        """Replace all or nothing. Raises RuleError (`stale`) when `expected` is not the current revision.

        `writers` wrote what is new; without them whoever saves it did. Saving what is there already changes nothing.
        """

    def set_status(self, name: str, status: Status, at: datetime) -> Changes:
        """Change the status of one rule. Raises BadInput for an unknown name."""


class Want(msgspec.Struct, frozen=True):
    """A use of a rule's discount that an order asks for. `id`: the acceptance's; `amount`: minor units taken off.

    `customer`: a pseudonym, a guest's is his visitor's. `day`: the date in the store's zone.
    """

    id: str
    rule: str
    limits: Limits
    customer: str
    day: date
    amount: int
    currency: str
    order: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """A want that was not granted. `scope`: the limit that is used up ("total", "day:2026-05-04", "customer:…",
    "budget:EUR"), or "redeemed" for an acceptance that was redeemed otherwise."""

    id: str
    rule: str
    scope: str
    reason: Sentence


class Allowances(Protocol):
    """How much of each rule's limits is used. Grants fail closed."""

    def grant(self, wants: Sequence[Want], connection: object = None) -> list[Refusal]:
        """Count an order's wants (all of them in one call) in its transaction; those that are not granted come back."""

    def release(self, ids: Sequence[str], connection: object = None) -> int:
        """Give back what these acceptances were granted, once; returns how many were."""

    def granted(self, order: str, connection: object = None) -> list[str]:
        """Ids of what this order was granted and has not given back."""

    def used(self, rule: str) -> dict[str, int]:
        """Scope -> uses, or minor units of a budget; scopes that were never limited are not there."""

    def exhausted(self, rules: Iterable[Rule]) -> set[str]:
        """Names of those whose total, or whole budget in every currency, is used up."""
