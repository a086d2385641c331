"""`flask upsell rules …` and `flask upsell explain`: rules as files, and what they do with a cart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from flask.cli import AppGroup

from ..core.book import Book
from ..core.lint import Finding, lint
from ..core.named import touched
from ..core.offer import Decision
from ..core.product import Product, within
from ..core.rule import Status
from ..core.rulebook import RuleBook
from ..core.rules import RuleSet
from ..errors import BookError, RuleFileError
from ..jobs import Parts
from ..offers import Offers
from . import ruletable
from .cards import titles
from .goldencarts import failures, made_book, run_cart
from .goldenfile import GoldenCart, GoldenFile, cart_problems, read_carts
from .rulediff import Difference, differences
from .rulefile import dump, files, is_table, load
from .trustcli import by
from .written import money

PATHS = click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))


def add_rule_commands(group: AppGroup, here: Callable[[], Parts]) -> None:
    """Add `rules` and `explain` to the commands of an instance."""
    rules = AppGroup("rules", help="Rules as files: check, compare, import, export, test.")
    group.add_command(rules)

    @rules.command("check")
    @PATHS
    @click.option("--strict", is_flag=True, help="Fail for findings too.")
    def check(paths: tuple[Path, ...], strict: bool) -> None:
        """Say what is wrong in files of rules (exit code 1), and what was probably not meant."""
        offers = here().offers
        book = load(paths, offers.rules.load())
        findings = lint(book, zone=offers.zone, now=offers.clock(), products=_known(offers, book))
        for finding in findings:
            click.echo(_finding(finding))
        click.echo(f"{_counted(book)}: no problems, {_many(len(findings), 'finding')}.")
        if findings and strict:
            raise click.exceptions.Exit(1)

    @rules.command("import")
    @PATHS
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @by
    def import_(paths: tuple[Path, ...], dry_run: bool) -> None:
        """Make the rules those of the files, all or nothing, and publish them. What no file has is removed; tables
        (*.csv) have rules only, and alone they leave seasons and ladders as they are."""
        offers = here().offers
        live = offers.rules.load()
        book = load(paths, live)
        if dry_run:
            _print_changes([(each.how, f"{each.kind} {each.name}") for each in differences(live, book)])
            click.echo("Nothing was changed: this was a dry run.")
            return
        changes = offers.rules.save(book, offers.clock())
        named = {"added": changes.added, "changed": changes.changed, "removed": changes.removed}
        _print_changes([(how, name) for how, names in named.items() for name in names])
        _put_live(offers.publish_rules)

    @rules.command("export")
    @click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
    def export(file: Path | None) -> None:
        """Write the rules as one file, or print them. Comments of imported files were not kept. A *.csv file is a table
        for a spreadsheet, without seasons and ladders."""
        book = here().offers.rules.load()
        if file is None:
            click.echo(dump(book), nl=False)
            return
        try:
            file.write_bytes(b"".join(ruletable.dump(book.rules)) if is_table(file) else dump(book).encode())
        except OSError as error:
            raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None

    @rules.command("diff")
    @PATHS
    def diff(paths: tuple[Path, ...]) -> None:
        """What an import would change, by rule and field."""
        live = here().offers.rules.load()
        found: list[Difference] = differences(live, load(paths, live))
        click.echo("\n".join(map(str, found)) or "Nothing would be changed.")

    @rules.command("pause")
    @click.argument("name")
    @by
    def pause(name: str) -> None:
        """Stop an active rule until it is resumed."""
        _set_status(here().offers, name, Status.ACTIVE, Status.PAUSED)

    @rules.command("resume")
    @click.argument("name")
    @click.option("--risky", is_flag=True, help="Resume it although it is risky.")
    @by
    def resume(name: str, risky: bool) -> None:
        """Let a paused rule work again. In the admin it takes a second person where it is risky; here, where nobody can
        be asked for one, it takes --risky."""
        if not risky:
            _warn(here(), name)
        _set_status(here().offers, name, Status.PAUSED, Status.ACTIVE)

    @rules.command("test")
    @PATHS
    def test(paths: tuple[Path, ...]) -> None:
        """Run golden carts: files of carts with what they are expected to be offered (exit code 1 when one is not)."""
        offers, failed, run = here().offers, 0, 0
        for path in files(paths):
            given = read_carts(path)
            scene = Scene(offers, given, path)
            for cart in given.carts:
                wrong = list(failures(cart.expect, scene.decide(cart)))
                run, failed = run + 1, failed + bool(wrong)
                if wrong:
                    click.echo("\n".join([f"FAILED {path}: {cart.name}", *(f"  {each}" for each in wrong)]))
        click.echo(f"{_many(run, 'cart')}, {failed} failed.")
        if failed:
            raise click.exceptions.Exit(1)

    @group.command("explain")
    @click.option(
        "--cart", "path", required=True, metavar="FILE", type=click.Path(path_type=Path), help="A file with one cart."
    )
    @click.option("--at", help="Local time, such as 2027-02-10T12:00; else the cart's, else now.")
    @click.option("--zone", help="IANA zone of that time; else the cart's, else the store's.")
    @click.option("--group", "groups", multiple=True, help="A customer group; may be given again.")
    @click.option("--placement", help="Where on the store's pages.")
    @click.option("--country", help="The shopper's country, such as DE.")
    def explain(path: Path, **changed: Any) -> None:
        """What a cart would be offered, and why: every rule and every candidate that was dropped."""
        given = read_carts(path)
        if len(given.carts) != 1:
            raise click.UsageError(f"{path} has {len(given.carts)} carts; write one")
        cart = _changed(given.carts[0], changed)
        _print_decision(Scene(here().offers, given, path).decide(cart))


class Scene:
    """What the carts of a file meet: the file's products and rules, else the store's."""

    def __init__(self, offers: Offers, given: GoldenFile, path: Path) -> None:
        self._offers = offers
        self._zone = given.zone or offers.zone
        self._rules: RuleSet | None = None
        self._book: Book | None = None
        if given.rules is not None:
            self._rules = RuleSet(load([path.parent / each for each in given.rules]), self._zone)
        if given.products is not None:
            self._book = made_book(given, self._rules or self._live())

    def decide(self, cart: GoldenCart) -> Decision:
        """Raises RuleFileError when it meets the live book, and nothing is published."""
        book, offers = self._book, self._offers
        products: Mapping[str, Product]
        if book is not None:
            products = book.products
        else:
            refs = [line.product for line in cart.cart]
            book = offers.shelf.read(refs)
            if not book.version:
                raise RuleFileError(["nothing is published; run 'flask upsell publish', or give the file products"])
            if self._rules is not None:
                book = msgspec.structs.replace(book, rules=self._rules)
            products = {product.ref: product for product in offers.store.products(refs)}
        return run_cart(
            cart,
            book,
            products,
            zone=self._zone,
            now=offers.clock(),
            policy=offers.policy,
            capabilities=offers.store.capabilities,
        )

    def _live(self) -> RuleSet:
        rules = self._offers.rules.load()
        spent = frozenset(self._offers.limits.exhausted(rules.rules))
        return RuleSet(rules, self._zone, "", spent, self._offers.sold(rules.rules))


def _known(offers: Offers, book: RuleBook) -> dict[str, Product] | None:
    """The store's products that a book names, those of whole categories and tags too; None without a store."""
    refs, categories, tags = touched(book)
    try:
        known = {product.ref: product for product in offers.store.products(sorted(refs))} if refs else {}
        for product in offers.catalogue() if categories or tags else ():
            named = not tags.isdisjoint(product.tags) or any(within(product.category, each) for each in categories)
            if named:
                known[product.ref] = product
    except Exception as error:  # a store may raise anything
        click.echo(f"Nothing is said about products: the store does not answer ({type(error).__name__}).", err=True)
        return None
    return known


def _put_live(publish: Callable[[], str], done: str = "") -> None:
    try:
        version = publish()
    except BookError as error:
        raise click.ClickException(f"the rules are saved, but not live: {error}; run 'flask upsell publish'") from None
    click.echo(f"{done}Live: rules {version}.")


def _set_status(offers: Offers, name: str, before: Status, after: Status) -> None:
    found = {rule.name: rule.status for rule in offers.rules.load().rules}
    status = found.get(name)
    if status is None:
        raise click.ClickException(f"there is no rule {name!r}; there are: {', '.join(sorted(found)) or 'none'}")
    if status not in (before, after):
        raise click.ClickException(f"{name!r} is {status}, not {before}; change its status in the file and import it")
    _put_live(lambda: offers.set_rule(name, after), f"The rule {name} is {after}.\n")


def _warn(parts: Parts, name: str) -> None:
    """Raises ClickException where it is risky to resume a rule."""
    book = parts.offers.rules.load()
    rules = [msgspec.structs.replace(each, status=Status.ACTIVE) if each.name == name else each for each in book.rules]
    risks = parts.desk.releases.risks(book, msgspec.structs.replace(book, rules=tuple(rules)))
    if risks:
        why = "\n".join(f"  {risk.sentence}" for risk in risks)
        raise click.ClickException(
            f"resuming {name!r} is risky:\n{why}\nAn approver may ask for it in the admin, and another put it live; "
            "whoever may use this shell may resume it all the same: --risky"
        )


def _changed(cart: GoldenCart, options: Mapping[str, Any]) -> GoldenCart:
    """The cart with what the command line says otherwise. Raises RuleFileError."""
    cart = msgspec.structs.replace(cart, **{name: value for name, value in options.items() if value})
    wrong = [f"{path}: {sentence}" for path, sentence in cart_problems(cart)]
    if wrong:
        raise RuleFileError(wrong)
    return cart


def _print_changes(changes: Iterable[tuple[str, str]]) -> None:
    found = list(changes)
    for how, name in found:
        click.echo(f"{how} {name}")
    counted = Counter(how for how, _ in found)
    click.echo(", ".join(f"{counted[how]} {how}" for how in ("added", "changed", "removed")) + ".")


def _print_decision(decision: Decision) -> None:
    click.echo("Offers:")
    for offer in decision.offers:
        price = money(offer.quote.unit_price, offer.quote.currency)
        normal = f" instead of {money(offer.quote.normal, offer.quote.currency)}" if offer.quote.normal else ""
        by = f", by {' and '.join(filter(None, (offer.rule, offer.beside)))}" if offer.rule else ""
        click.echo(f"  {offer.kind} {offer.ref} ({titles(offer)}): {price}{normal}{by}")
        click.echo(f"    {offer.reason.sentence}.")
        for level in offer.levels:
            price = money(level.quote.unit_price, level.quote.currency)
            click.echo(f"    beside it {level.product.ref} ({level.product.title}): {price}")
    if not decision.offers:
        click.echo("  none")
    if decision.reached is not None:
        there = money(decision.reached.threshold, decision.reached.currency)
        click.echo(f"Reached:\n  {there}: {decision.reached.reward}")
    if decision.question is not None:
        answers = ", ".join(key for key, _ in decision.question.answers)
        click.echo(f"Question:\n  {decision.question.rule}: {decision.question.words} ({answers})")
    for title, rows in (
        ("Rules:", [f"{verdict.rule}: {verdict.sentence}" for verdict in decision.rules]),
        ("Dropped:", [each.sentence for each in decision.trace]),
    ):
        if rows:
            click.echo("\n".join([title, *(f"  {row}" for row in rows)]))


def _finding(finding: Finding) -> str:
    return f"{finding.rule or finding.other} [{finding.code}]: {finding.sentence}"


def _counted(book: RuleBook) -> str:
    parts = (len(book.rules), "rule"), (len(book.seasons), "season"), (len(book.ladders), "ladder")
    return ", ".join(_many(*part) for part in parts)


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
