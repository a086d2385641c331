"""Learning from a store's orders: with whose consent, how well it went, and whether that may go live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from math import sqrt
from typing import Any

import msgspec

from .core.fresh import Counting, Recent
from .core.lessons import Consents, Lead, Lessons
from .core.ports import OrderLine, Report
from .core.product import Product
from .errors import LearnError
from .learn.lessons import among, lessons, members, newest, numbered
from .learn.likely import USUAL, Known, Sizes, learn
from .learn.mining import Mined, Mining, Parameters, Parquet
from .learn.upgrades import Steps, learn_upgrades
from .offers import Offers

#: What was learned goes live when it covers at least so much of what the last one did, and is right so often.
LEAST = {"coverage": 0.5, "hit_rate": 0.7}
#: Of fewer products nothing is said by how many there are.
FEWEST = 20
#: People that are asked about at once, and names that are remembered while lines stream by.
CHUNK, REMEMBERED = 500, 200_000


class Learning:
    """One instance's. `consented` says which customers (the store's own keys) agreed that their past orders are used;
    without it those did whose last order was placed under consent."""

    def __init__(
        self,
        offers: Offers,
        kept: Lessons,
        consents: Consents,
        recent: Recent,
        consented: Callable[[Sequence[str]], Iterable[str]] | None = None,
    ) -> None:
        self._offers, self._kept, self._consents = offers, kept, consents
        self._recent, self._consented = recent, consented

    def run(
        self,
        lines: Iterable[OrderLine] | Parquet,
        imported: Iterable[OrderLine],
        catalogue: Iterable[Product],
        run: str,
        report: Report,
        *,
        parameters: Parameters,
        sizes: Sizes = USUAL,
        anyway: bool = False,
    ) -> dict[str, Any]:
        """Learn, keep it, publish; returns figures. Where it is far worse than the last one and not wanted `anyway`,
        `refused` is among the figures, and all stays as it was. Safe to repeat, and to be killed."""
        mining = Mining(
            lines,
            catalogue,
            parameters,
            report,
            imported,
            whose=_remembering(self._whose),
            whose_imported=_remembering(self._whose_imported),
            now=self._offers.clock(),
        )
        id = self._kept.begin(run, self._offers.clock())
        try:
            if not isinstance(lines, Parquet):
                # Before they are read: what is there now is read, or is no order of the store any more.
                self._recent.see(id)
            with mining as mined:
                figures = self._learn(mined, id, report, sizes, parameters, isinstance(lines, Parquet), anyway)
        except BaseException:
            self._kept.drop(id)
            raise
        if "refused" in figures:
            self._kept.drop(id)
            return figures
        report("Publishing", 0, 0)
        figures["version"] = self._offers.publish()
        return figures

    def _learn(
        self, mined: Mined, id: str, report: Report, sizes: Sizes, parameters: Parameters, exported: bool, anyway: bool
    ) -> dict[str, Any]:
        """Figures, with `refused` among them where it did not go live. `exported`: orders came from a file."""
        figures = mined.figures
        known, model, figures["model"] = learn(mined.connection, report, sizes)
        coverage, habits = self._write(mined, known, figures, id, parameters, report)
        said = figures["model"].get("unknown", {})
        fitted = bool(said.get("hit_rate_3"))
        asked = {"cases": figures["model"].get("cases", 0), "found": said.get("found")}
        now = {"coverage": coverage, "hit_rate": said.get("hit_rate_3"), "habits": habits, **asked}
        figures.update(now)
        last = self._kept.live()
        wrong = worse(now, last.figures if last is not None else {})
        if wrong and not anyway:
            return {**figures, "refused": wrong}
        self._see(mined, id, exported)
        report("Keeping affinities", 0, 0)
        model = msgspec.structs.replace(model, strict=not fitted)
        p = parameters
        counting = Counting(
            figures["orders"], p.min_support, p.min_lift, p.min_certainty, p.max_basket, p.neighbours, fitted
        )
        self._kept.finish(id, model, {**now, "counting": msgspec.to_builtins(counting)})
        # Behind that: who still folds orders into the last learning ends with it.
        figures["affinities"] = self._offers.ledger.save_affinities(mined.affinities())
        self._offers.ledger.save_seasonal(mined.seasonal())
        self._ask_again(known.customers())
        return figures

    def _see(self, mined: Mined, id: str, exported: bool) -> None:
        """Orders that were placed while others were read, and were read too; of a file also those before its last."""
        for some in self._recent.unseen(id):
            if found := among(mined.connection, some):
                self._recent.see(id, found)
        last = newest(mined.connection) if exported else None
        if last is not None:
            self._recent.see(id, until=datetime.fromtimestamp(last, UTC))

    def _write(
        self, mined: Mined, known: Known, figures: dict[str, Any], id: str, parameters: Parameters, report: Report
    ) -> tuple[int, int]:
        """(products that lead to a complement, customers whose habits are known)."""
        p, connection = parameters, mined.connection
        steps, figures["steps"], tastes = learn_upgrades(connection, report, Steps(p.gap_percent, p.gap_floor))
        fitted = bool(figures["model"].get("unknown", {}).get("hit_rate_3"))
        better = steps if figures["steps"].get("hit_rate_3") else None
        asked_for, counted = dict[int, list[str]](), Counter[str]()

        def told() -> Iterator[tuple[str, Lead]]:
            for ref, lead in lessons(connection, known, better, p.min_support, links=fitted):
                for number, _ in lead.leads.buyers:
                    asked_for.setdefault(number, []).append(ref)
                counted["leads"] += 1
                counted["complements"] += bool(lead.leads.complements)
                if counted["leads"] % CHUNK == 0:
                    report("Keeping what was learned", counted["leads"], len(known.refs))
                yield ref, lead

        def habits() -> Iterator[Any]:
            for each in known.habits() if tastes is None else tastes.habits(known.habits()):
                counted["habits"] += 1
                yield each

        report("Keeping what was learned", 0, len(known.refs))
        self._kept.write(id, told())
        self._recent.write(id, numbered(connection))
        self._kept.write_people(id, members(connection, known, asked_for), habits())
        return counted["complements"], counted["habits"]

    # --- whose orders they are ---------------------------------------------------------------------------------------

    def _whose(self, customers: Sequence[str]) -> dict[str, str]:
        """The pseudonyms of those who agreed."""
        names = {customer: self._offers.pseudonym(customer) for customer in customers}
        if self._consented is not None:
            try:
                agreed = set(self._consented(list(names)))
            except Exception as error:
                raise LearnError(f"UPSELL_CONSENTED failed: {type(error).__name__}; nothing was learned") from error
        else:
            given = self._consents.given(list(names.values()))
            agreed = {customer for customer, name in names.items() if name in given}
        return {customer: name for customer, name in names.items() if customer in agreed}

    def _whose_imported(self, customers: Sequence[str]) -> dict[str, str]:
        """Imported customers are pseudonyms already."""
        return {name: name for name in self._consents.given(list(customers))}

    def _ask_again(self, customers: Iterator[str]) -> None:
        """Whoever took consent back, or was erased, while this was learned is forgotten."""
        if self._consented is not None:
            return
        while some := list(islice(customers, CHUNK)):
            gone = set(some) - self._consents.given(some)
            if gone:
                self._kept.forget(gone)


def worse(now: Mapping[str, Any], last: Mapping[str, Any]) -> list[dict[str, Any]]:
    """In what it is far worse than the last one: [{"what", "now", "last"}]."""
    found = []
    for what, least in LEAST.items():
        before, here = last.get(what) or 0, now.get(what) or 0
        enough = before >= (FEWEST if what == "coverage" else 0.01)
        if enough and here < least * before and (what == "coverage" or not _by_chance(now, last)):
            found.append({"what": what, "now": here, "last": before})
    return found


def _by_chance(now: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """Whether carts as few as these may differ as much: by two standard errors. Where too few were there to fit to,
    what was found of them is the most that may be foreseen; where nothing was asked, half as many carts say enough."""
    before, here = last["hit_rate"], now.get("hit_rate")
    here = now.get("found") if here is None else here
    n, m = now.get("cases") or 0, last.get("cases") or 0
    if here is None:
        return 2 * n >= m > 0
    if not (n and m):
        return False
    share = (here * n + before * m) / (n + m)
    return bool(before - here <= 2 * sqrt(share * (1 - share) * (1 / n + 1 / m)))


def told_refused(wrong: Iterable[Mapping[str, Any]]) -> str:
    """For who operates it."""
    said = {
        "coverage": "it leads on from {now:,} products, the live one from {last:,}",
        "hit_rate": "it foresees {now:.1%} of what was bought, the live one {last:.1%}",
    }
    reasons = " and ".join([said[each["what"]].format(now=each["now"], last=each["last"]) for each in wrong])
    return f"Not put live: {reasons}. Are all orders there? 'flask upsell learn --anyway' puts it live."


def _remembering(ask: Callable[[Sequence[str]], Mapping[str, str]]) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """Ask only about those who were not asked about lately."""
    known: dict[str, str | None] = {}

    def asked(customers: Sequence[str]) -> Mapping[str, str]:
        new = [customer for customer in dict.fromkeys(customers) if customer not in known]
        if len(known) + len(new) > REMEMBERED:
            known.clear()
            new = list(dict.fromkeys(customers))
        for start in range(0, len(new), CHUNK):
            some = new[start : start + CHUNK]
            found = ask(some)
            known.update({customer: found.get(customer) for customer in some})
        return {customer: name for customer in customers if (name := known[customer]) is not None}

    return asked
