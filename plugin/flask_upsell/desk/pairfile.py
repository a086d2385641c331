"""Pairs of products as a file: which are approved, rejected, or never offered together."""

from __future__ import annotations

import msgspec

from ..core.kind import Kind
from ..core.seasonal import SEASONAL
from ..core.words import Sentence, say
from .tablefile import Column, Listed, Recognised, Wrong, read, recognise

NEVER = "never"
COLUMNS = (
    Column(
        "antecedent", say("bought product"), ("antecedent", "for", "product", "bought", "from", "when bought"), True
    ),
    Column(
        "consequent", say("offered product"), ("consequent", "offer", "offered", "suggestion", "to", "suggest"), True
    ),
    Column("kind", say("kind"), ("kind", "type")),
    Column("verdict", say("verdict"), ("verdict", "decision", "approved"), True),
    Column("why", say("reason"), ("why", "reason", "note")),
)
VERDICTS = {
    **dict.fromkeys(("approve", "approved", "yes", "ok"), "approved"),
    **dict.fromkeys(("reject", "rejected", "no"), "rejected"),
    NEVER: NEVER,
    "": "",
}
KINDS = {
    **dict.fromkeys((Kind.COMPLEMENT.value, "cross-sell", "cross sell", "crosssell", "add"), Kind.COMPLEMENT.value),
    **dict.fromkeys((Kind.UPGRADE.value, "upsell", "up-sell", "up sell"), Kind.UPGRADE.value),
    NEVER: NEVER,
    SEASONAL: SEASONAL,
}
LONGEST_REF, LONGEST_REASON = 200, 500
#: Decisions in one file.
MOST_PAIRS = 20_000

#: (kind, antecedent, consequent); of a pair that is never offered in the order of its references.
Key = tuple[str, str, str]


class Pairs(msgspec.Struct, frozen=True):
    """What a file says: key -> (verdict, reason, line); "" takes back what was decided. `twice`: lines that say again
    what another one said."""

    said: dict[Key, tuple[str, str, int]]
    columns: dict[str, str]
    unused: tuple[str, ...]
    twice: tuple[int, ...]
    notes: list[Sentence]


def read_pairs(content: bytes | Listed) -> tuple[Pairs, list[Wrong]]:
    """The pairs of a file, and what is wrong with it. Raises Unreadable."""
    sheet = content if isinstance(content, Listed) else read(content)
    found = recognise(sheet, COLUMNS)
    said: dict[Key, tuple[str, str, int]] = {}
    wrong, twice, decided = list[Wrong](), list[int](), 0
    for line, cells in sheet.rows():
        one, other = found.of(cells, "antecedent"), found.of(cells, "consequent")
        problems = list(_wrong(found, cells, line, one, other))
        if problems:
            wrong += problems
            continue
        verdict, kind = VERDICTS[found.of(cells, "verdict").lower()], found.of(cells, "kind").lower()
        kind = KINDS[kind] if kind else Kind.COMPLEMENT.value
        never = NEVER in (kind, verdict)
        key = (NEVER, min(one, other), max(one, other)) if never else (kind, one, other)
        now = ("rejected" if never and verdict else verdict, found.of(cells, "why")[:LONGEST_REASON], line)
        before = said.get(key)
        if before is None:
            said[key] = now
            decided += bool(verdict)
        elif before[0] == now[0]:
            twice.append(line)
        else:
            told = say("Line {line} says something else of the same pair. Keep one of them.", line=before[2])
            wrong.append(Wrong(line, found.name("verdict"), told))
        if decided == MOST_PAIRS + 1:
            decided += 1
            told = say("There are more than {most} decisions in here. Split the file.", most=MOST_PAIRS)
            wrong.append(Wrong(line, "", told))
    if "kind" not in found.places:
        sheet.notes.append(say("Without a column for the kind, every pair is a cross-sell (complement)."))
    return Pairs(said, {key: found.called[key] for key in found.called}, found.unused, tuple(twice), sheet.notes), wrong


def _wrong(found: Recognised, cells: list[str], line: int, one: str, other: str) -> list[Wrong]:
    wrong = []
    for key, ref in (("antecedent", one), ("consequent", other)):
        if not ref:
            wrong.append(Wrong(line, found.name(key), say("It is empty. Write a product's reference.")))
        elif len(ref) > LONGEST_REF:
            told = say("It is longer than {most} characters, which no reference is.", most=LONGEST_REF)
            wrong.append(Wrong(line, found.name(key), told))
    if one and one == other:
        wrong.append(Wrong(line, found.name("consequent"), say("It is the same product. Write two different ones.")))
    verdict, kind = found.of(cells, "verdict").lower(), found.of(cells, "kind").lower()
    if verdict not in VERDICTS:
        told = say("{what} is no verdict. Write approve, reject, never, or nothing.", what=verdict[:40])
        wrong.append(Wrong(line, found.name("verdict"), told))
    elif kind == NEVER and VERDICTS[verdict] == "approved":
        told = say("What is never offered cannot be approved. Write never, or nothing to take it back.")
        wrong.append(Wrong(line, found.name("verdict"), told))
    if kind and kind not in KINDS:
        told = say("{what} is no kind. Write complement or upgrade.", what=kind[:40])
        wrong.append(Wrong(line, found.name("kind"), told))
    return wrong
