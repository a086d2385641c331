"""Seasonal suggestions: pairs that go together in a part of the year only. What is made of one is a draft of a rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date

import msgspec
from babel.dates import format_skeleton, get_month_names

from ..adapters.drafts import Draft
from ..adapters.seasonal import Found as Found
from ..adapters.seasonal import SQLSeasonal
from ..core.rulebook import LONGEST_NAME
from ..core.season import Season, clock
from ..core.seasonal import SAME, Seasonal, Seasons, Standing, Window, days_of, days_until, yearly
from ..core.words import Sentence, objection, say
from ..errors import BadInput
from ..offers import Offers
from .drafts import Drafts
from .verdicts import Verdicts

#: How a window is told.
Speak = Callable[[Window], str]


class Begun(msgspec.Struct, frozen=True):
    """A draft of a rule in a season. `draft`: of that season, when it is a new one."""

    rule: Draft
    season: str
    draft: Draft | None = None


class SeasonalRules:
    """One instance's."""

    def __init__(self, kept: SQLSeasonal, verdicts: Verdicts, drafts: Drafts, offers: Offers) -> None:
        self._kept, self._verdicts, self._drafts, self._offers = kept, verdicts, drafts, offers

    @property
    def today(self) -> date:
        return self._offers.clock().astimezone(clock(self._offers.zone)).date()

    def all(self, *, state: Standing | None = None, products: Collection[str] | None = None) -> list[Found]:
        """What comes next in the year first, of that the surest. Without a `state` all that is not rejected.
        `products`: with one of these."""
        today = self.today
        found = [
            each
            for each in self._kept.all()
            if (each.state is state if state is not None else each.state is not Standing.REJECTED)
            and (products is None or each.antecedent in products or each.consequent in products)
        ]
        return sorted(found, key=lambda each: (days_until(each.seasonal.window, today), -each.seasonal.certainty))

    def waiting(self) -> int:
        """How many nobody decided."""
        return sum(each.state is Standing.WAITING for each in self._kept.all())

    def near(self, library: Iterable[Season] = ()) -> Callable[[Window], Season | None]:
        """Asked of a window: the merchant's own season that is much the same, else the nearest of his own and of those
        of a library that he has not."""
        own, today = self._offers.rules.load().seasons, self.today
        names = {season.name for season in own}
        mine = Seasons(own, today)
        every = Seasons([*own, *(season for season in library if season.name not in names)], today)
        return lambda window: mine.nearest(window, SAME) or every.nearest(window)

    def begin(self, antecedent: str, consequent: str, label: str = "", speak: Speak | None = None) -> Begun:
        """Begin a draft of a rule that offers the one for the other in their time: in the merchant's own season where
        one is much the same, else in a new one, a draft too. Where that was begun before, what there is. `label`: the
        rule's, `speak` makes that of the season, for who works in the admin. Raises BadInput for what is not learned
        (any more), or rejected."""
        found = self._kept.of(antecedent, consequent)
        if found is None:
            raise BadInput("pairs", objection("this is not learned any more; look at what is now"))
        if found.state is Standing.REJECTED:
            raise BadInput("pairs", objection("it is rejected; take that back first"))
        window = found.seasonal.window
        season, draft = self._season(window, str(told(window)) if speak is None else speak(window))
        rule = self._rule(found.seasonal, season, label)
        if found.state is Standing.WAITING:
            self._verdicts.begun(antecedent, consequent)
        return Begun(rule, season, draft)

    def _season(self, window: Window, label: str) -> tuple[str, Draft | None]:
        own = self._offers.rules.load().seasons
        same = Seasons(own, self.today).nearest(window, SAME)
        if same is not None:
            return same.name, None
        begun = {draft.name: draft for draft in self._drafts.all() if draft.kind == "season"}
        days, name = yearly(window), _free(f"{window[0]} to {window[1]}", {season.name for season in own})
        written = {"name": name, "label": label, "yearly": [{"start": days.start, "end": days.end}]}
        return name, begun.get(name) or self._drafts.begin("season", written)

    def _rule(self, found: Seasonal, season: str, label: str) -> Draft:
        when = {"lines": {"match": "any", "product": [found.antecedent]}}
        offer = {"products": {"products": [found.consequent], "kind": "complement"}}
        for draft in self._drafts.all():
            if draft.kind == "rule" and draft.written.get("when") == when and draft.written.get("offer") == offer:
                return draft
        live = {rule.name for rule in self._offers.rules.load().rules}
        name = _free(_plain(f"{found.consequent} with {found.antecedent}"), live)
        schedule = {"seasons": [season]}
        written = {"name": name, "label": label, "schedule": schedule, "when": when, "offer": offer}
        return self._drafts.begin("rule", written)


def told(window: Window, language: str = "en") -> Sentence:
    """The window in words, to be told in this language (BCP 47)."""
    locale = language.replace("-", "_")
    first, last = days_of(window)
    if first.month == last.month and first < last:
        month = str(get_month_names("wide", locale=locale)[first.month])
        return say("{month} {first} to {last}", month=month, first=first.day, last=last.day)
    begin, end = (str(format_skeleton("MMMMd", day, locale=locale)) for day in (first, last))
    return say("{begin} to {end}", begin=begin, end=end)


def evidence(found: Seasonal, product: str, window: Sentence) -> Sentence:
    """What was seen, in words."""
    return say(
        "Together in {together} of {base} orders with {product} from {window}; otherwise in {outside} of {rest}",
        together=found.together,
        base=found.base,
        product=product,
        window=window,
        outside=found.outside_together,
        rest=found.outside_base,
    )


def years(found: Seasonal) -> Sentence:
    return say("Seen in one year only", "Seen in each of {n} years", n=found.years)


def _plain(name: str) -> str:
    return "".join(letter if letter.isprintable() else "-" for letter in name)


def _free(wanted: str, taken: Collection[str]) -> str:
    """A name that is not taken: "tea", "tea-2" …"""
    short = wanted[: LONGEST_NAME - 10].strip()
    name, number = short, 2
    while name in taken:
        name, number = f"{short}-{number}", number + 1
    return name
