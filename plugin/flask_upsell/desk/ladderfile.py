"""Ladders as a table: a product in a row, from the basic one to the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from ..core.words import Sentence, say
from .tablefile import Column, Listed, Recognised, Wrong, read, recognise

COLUMNS = (
    Column("ladder", say("ladder"), ("ladder", "name", "line", "leiter", "scala"), True),
    Column("product", say("product"), ("product", "product id", "sku", "ref", "artikelnummer", "prodotto"), True),
    Column("step", say("step"), ("step", "position", "place", "level", "stufe", "gradino")),
)
LADDER_COLUMNS = ("ladder", "step", "product")
LONGEST_NAME, LONGEST_REF = 100, 200
#: Products of a ladder.
LEAST, MOST = 2, 100


class LaddersRead(msgspec.Struct, frozen=True):
    """What a file says: name -> products, the basic one first. `products`: reference -> first line. `replace`: ladders
    that it does not have are to go."""

    ladders: dict[str, tuple[str, ...]]
    columns: dict[str, str]
    unused: tuple[str, ...]
    products: dict[str, int]
    notes: list[Sentence]
    replace: bool = False


def read_ladders(content: bytes | Listed, replace: bool = False) -> tuple[LaddersRead, list[Wrong]]:
    """The ladders of a file, and what is wrong with it. Without a column of steps the order of the rows is that of the
    ladder. Raises Unreadable."""
    sheet = content if isinstance(content, Listed) else read(content)
    found = recognise(sheet, COLUMNS)
    steps: dict[str, dict[int, str]] = {}
    first: dict[str, int] = {}
    products: dict[str, int] = {}
    wrong = list[Wrong]()
    for line, cells in sheet.rows():
        name, ref, step = (found.of(cells, key) for key in ("ladder", "product", "step"))
        problems = list(_problems(found, line, name, ref, step))
        there = steps.setdefault(name, {})
        first.setdefault(name, line)
        if not problems:
            place = int(step) if step else max(there, default=0) + 1
            problems = list(_twice(found, line, place, ref, there))
        if problems:
            wrong += problems
            continue
        there[place] = ref
        products.setdefault(ref, line)
    made = {name: tuple(there[place] for place in sorted(there)) for name, there in steps.items() if name}
    if not wrong:
        for name, refs in made.items():
            if not LEAST <= len(refs) <= MOST:
                told = say(
                    "{name} has {n} product. A ladder has {least} to {most}.",
                    "{name} has {n} products. A ladder has {least} to {most}.",
                    name=name[:40],
                    n=len(refs),
                    least=LEAST,
                    most=MOST,
                )
                wrong.append(Wrong(first[name], found.name("ladder"), told))
    if "step" not in found.places:
        sheet.notes.append(say("Without a column for the step, the products of a ladder are in the order of the rows."))
    return LaddersRead(made, found.called, found.unused, products, sheet.notes, replace), wrong


def _problems(found: Recognised, line: int, name: str, ref: str, step: str) -> Iterator[Wrong]:
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        told = say("Write the ladder's name: 1 to {most} characters.", most=LONGEST_NAME)
        yield Wrong(line, found.name("ladder"), told)
    if not ref:
        yield Wrong(line, found.name("product"), say("It is empty. Write a product's reference."))
    elif len(ref) > LONGEST_REF:
        told = say("It is longer than {most} characters, which no reference is.", most=LONGEST_REF)
        yield Wrong(line, found.name("product"), told)
    if step and not (step.isascii() and step.isdecimal() and len(step) < 7):
        told = say("{what} is no step. Write 1 for the basic product, 2 for the next better one.", what=step[:40])
        yield Wrong(line, found.name("step"), told)


def _twice(found: Recognised, line: int, place: int, ref: str, there: Mapping[int, str]) -> Iterator[Wrong]:
    if place in there:
        told = say("Step {step} of this ladder is there twice. Number its products 1, 2, 3.", step=place)
        yield Wrong(line, found.name("step"), told)
    if ref in there.values():
        told = say("{ref} is in this ladder already. Take one of the rows away.", ref=ref[:40])
        yield Wrong(line, found.name("product"), told)


def ladder_rows(ladders: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[object, ...]]:
    """LADDER_COLUMNS of all of them, in the form in which they are imported."""
    for name, refs in ladders.items():
        for step, ref in enumerate(refs, start=1):
            yield name, step, ref
