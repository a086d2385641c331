"""Rules, seasons and ladders as a file: what it would change, as drafts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from ...core.rulebook import RuleBook
from ...core.words import say, sentence_of
from ...desk.drafts import LONGEST, Draft
from ...desk.imports import ADDED, CHANGED, HOWS, MOST_SHOWN, REMOVED, UNCHANGED, Change, Plan
from ...desk.ladderfile import LaddersRead
from ...desk.tablefile import Unreadable, Wrong, decoded
from ..drafted import live, written
from ..rulediff import Difference, differences
from ..rulefile import parse
from ..yamltext import LARGEST_FILE
from ..yamltext import written as path_of
from .plainfile import is_table

#: Bytes of a table of rules.
LARGEST_TABLE = 4_000_000
#: (kind, origin, action, written form) of a draft.
Made = tuple[str, str, str, dict[str, Any]]


class BookRead(msgspec.Struct, frozen=True):
    """A file of rules as it is kept. `replace`: what it does not have is to go. `table`: it is CSV, with rules only."""

    text: str
    replace: bool
    table: bool = False


def read_book(content: bytes, live_book: RuleBook, replace: bool) -> tuple[BookRead, RuleBook, list[Wrong]]:
    """The text, its book, and what is wrong with it by line. Raises Unreadable."""
    text, _ = decoded(content)
    table = is_table(text)
    largest = LARGEST_TABLE if table else LARGEST_FILE
    if len(content) > largest:
        raise Unreadable(say("This file is larger than {most} MB. Split it into parts.", most=largest // 1_000_000))
    known = live_book if table or not replace else RuleBook()
    found = parse("", text.encode(), known, table=table)
    wrong = [Wrong(each.line, path_of(each.path), sentence_of(each.sentence)) for each in found.problems]
    kept = BookRead(text, replace, table)
    if wrong:
        return kept, RuleBook(), wrong
    if not any(found.entries.values()):
        raise Unreadable(say("There is no rule, season or ladder in it. Choose another file."))
    return kept, found.made(), []


def plan_ladders(
    before: RuleBook, read: LaddersRead, revision: int, drafts: Iterable[Draft]
) -> tuple[Plan, list[Made], list[Wrong]]:
    """The same of a file of ladders, which leaves rules and seasons as they are."""
    after = read.ladders if read.replace else {**before.ladders, **read.ladders}
    book = msgspec.structs.replace(before, ladders=after)
    plan, made, wrong = _planned(before, book, len(read.ladders), revision, drafts)
    known = {"notes": read.notes, "columns": read.columns, "unused": read.unused}
    return msgspec.structs.replace(plan, **known), made, wrong


def plan_book(
    before: RuleBook, read: RuleBook, kept: BookRead, revision: int, drafts: Iterable[Draft]
) -> tuple[Plan, list[Made], list[Wrong]]:
    """What importing would change, the drafts that do so, and what stands in the way."""
    after = read if kept.replace else _over(before, read)
    if kept.replace and kept.table:
        after = msgspec.structs.replace(before, rules=read.rules)
    return _planned(before, after, _size(read), revision, drafts)


def _planned(
    before: RuleBook, after: RuleBook, size: int, revision: int, drafts: Iterable[Draft]
) -> tuple[Plan, list[Made], list[Wrong]]:
    """`size`: how many parts the file has."""
    there = {(draft.kind, draft.origin or draft.name, draft.origin != ""): draft for draft in drafts}
    counts, changes, made, wrong = dict.fromkeys(HOWS, 0), list[Change](), list[Made](), list[Wrong]()
    found = [each for each in map(_placeless, differences(before, after)) if each is not None]
    counts[UNCHANGED] = size - sum(each.how != REMOVED for each in found)
    for each in found:
        draft = there.get((each.kind, each.name, each.how != ADDED))
        one = _draft(each, before, after)
        if draft is not None and (draft.action, draft.written) == (one[2], one[3]):
            counts[UNCHANGED] += 1
            continue
        if draft is not None:
            told = say(
                "{who} is changing it already. Publish that draft or throw it away, then import this.",
                who=draft.writer,
            )
            wrong.append(Wrong(0, f"{each.kind} {each.name}", told))
            continue
        if len(msgspec.json.encode(one[3])) > LONGEST:
            told = say("It is longer than {most} characters. Split it.", most=LONGEST)
            wrong.append(Wrong(0, f"{each.kind} {each.name}", told))
            continue
        counts[each.how] += 1
        made.append(one)
        if len(changes) < MOST_SHOWN:
            changes.append(Change(each.how, f"{each.kind} {each.name}", each.fields))
    seal = blake2b(msgspec.json.encode((revision, made)), digest_size=16).hexdigest()
    return Plan(counts, changes, seal), made, wrong


def _over(before: RuleBook, read: RuleBook) -> RuleBook:
    """The live book with what the file has in it, in its place; what is new comes last."""

    def over(old: Sequence[Any], new: Sequence[Any]) -> tuple[Any, ...]:
        named = {each.name: each for each in new}
        kept = [named.pop(each.name, each) for each in old]
        return (*kept, *named.values())

    return RuleBook(
        rules=over(before.rules, read.rules),
        seasons=over(before.seasons, read.seasons),
        ladders={**before.ladders, **read.ladders},
    )


def _placeless(each: Difference) -> Difference | None:
    """Without its place in the list, which no draft has."""
    fields = tuple(field for field in each.fields if field[0] != "place")
    return None if each.how == CHANGED and not fields else each._replace(fields=fields)


def _draft(each: Difference, before: RuleBook, after: RuleBook) -> Made:
    book = before if each.how == REMOVED else after
    form = written(each.kind, each.name, live(book, each.kind, each.name))
    return each.kind, "" if each.how == ADDED else each.name, "remove" if each.how == REMOVED else "put", form


def _size(book: RuleBook) -> int:
    return len(book.rules) + len(book.seasons) + len(book.ladders)
