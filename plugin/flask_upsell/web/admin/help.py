"""Help: how an offer is decided, the first rule, what each page is for, what the words mean, what each role may do."""

from __future__ import annotations

from flask import request

from ...core.roles import Role
from ...core.words import say
from .office import MENU, Admin, Answer

#: What each page is for, by its endpoint; the link "?" of a page leads to its own.
PAGES = {
    "home": say("What is live today, what starts and ends this week, and what waits for you."),
    "rules": say(
        "Each rule says for which carts it is, what it offers and at which price. The first that fits is tried first: "
        "move it up or down. What you write is a draft until it is published."
    ),
    "seasons": say(
        "A season is a time with a name. Rules that name it work only then. The picture shows a year; days on which "
        "several seasons meet are shaded. Each can be edited, copied or taken from the library, always as a draft."
    ),
    "suggestions": say(
        "What was learned from your orders: products that are bought together, and better ones that others chose. "
        "You see how many orders say so. Approve what makes sense; what you reject does not come back."
    ),
    "learning": say(
        "Whether there are enough orders for each part of what is learned, and what to do where there are not. A test "
        "on your last orders says how often what was learned would have been right, beside simple ways."
    ),
    "products": say(
        "What is known of a product: its prices, its stock, what it leads to and how its offers did. Here you keep a "
        "product out of all offers, mark it as sensitive, or put it into a ladder from basic to premium."
    ),
    "simulate": say(
        "Tries drafts or live rules on past orders: how many carts they would have met, what would have been shown, "
        "which discount they would have given at most, and which other offers would have given way."
    ),
    "publish": say(
        "Drafts go live here, after you saw what changes. What is risky takes a second person. Any earlier state comes "
        "back with one click, and one switch turns all offers off."
    ),
    "files": say(
        "Rules, ladders and pairs as files, in and out. A dry run says first what would change, line by line."
    ),
    "audit": say("Who changed what, when and why, with what it was before. Nothing can be removed from it."),
    "api": say("The same for programs: what they can ask and do, and the keys they do it with."),
    "options": say("What an owner decides for the whole shop, such as which discounts need a second person."),
}
TITLES = {**dict(MENU), "options": say("Options")}
#: The words, in the order of the alphabet in English: (anchor, word, what it means).
GLOSSARY = (
    ("acceptance", say("Acceptance"), say("A shopper pressed “Add” or “Upgrade”. It can be undone in one step.")),
    (
        "affinity",
        say("Affinity"),
        say("How strongly one product leads to another in your orders: how often, how surely."),
    ),
    ("audience", say("Audience"), say("For which shoppers a rule is: groups they joined, a country, a first order.")),
    (
        "book",
        say("Book"),
        say("All that is live, as one numbered state. Shoppers see one state or the next, never a mix."),
    ),
    ("budget", say("Budget"), say("The money that a rule may take off in all. When it is spent, the rule rests.")),
    ("bundle", say("Bundle"), say("Several products that are offered together at one price; each can be left out.")),
    ("candidate", say("Candidate"), say("A product that could be offered, before it is judged.")),
    ("condition", say("Condition"), say("What a cart must have for a rule: a product, a category, a sum.")),
    ("consent", say("Consent"), say("A shopper's yes to the use of his history. Without it, only the cart counts.")),
    ("conversion", say("Conversion"), say("An offer that was accepted and then ordered.")),
    ("cross-sell", say("Cross-sell"), say("Something that goes with what is in the cart: a case with a phone.")),
    ("decline", say("Decline"), say("A shopper said “No thanks”. It is not offered again in that visit.")),
    ("draft", say("Draft"), say("What is written and not live. One draft for each rule, whoever writes it.")),
    ("floor", say("Floor"), say("The price below which a discount never goes: an amount, the cost, a margin.")),
    ("gift", say("Gift"), say("A product at no price. It is offered, never put into the cart by itself.")),
    ("goal", say("Goal"), say("So many to be sold until a day. While it is behind, the rule is tried earlier.")),
    ("ladder", say("Ladder"), say("Products from basic to premium. An upgrade goes one step up.")),
    ("lift", say("Lift"), say("How many times more often two products are bought together than by chance.")),
    ("limit", say("Limit"), say("How often a rule's discount is given: in all, a day, or for one customer.")),
    ("margin", say("Margin"), say("What is left of the price after the cost of the product.")),
    ("placement", say("Placement"), say("Where an offer stands: product page, cart, checkout, after the order.")),
    ("publish", say("Publish"), say("To put drafts live, all of them or none.")),
    ("revision", say("Revision"), say("A numbered earlier state of the rules, which can be brought back.")),
    ("rule", say("Rule"), say("For these carts, at these times, offer this, at this price.")),
    ("season", say("Season"), say("A time of the year with a name, which rules can use.")),
    ("simulation", say("Simulation"), say("A rule tried on orders of the past, before shoppers meet it.")),
    ("suggestion", say("Suggestion"), say("A pair of products that was learned from orders and waits for your word.")),
    ("trace", say("Trace"), say("For each product that was not offered: why.")),
    ("upsell", say("Upsell"), say("A better one instead of what is in the cart, for a fair difference.")),
    (
        "zone",
        say("Zone"),
        say("The clock that days and hours are meant by: your shop's, unless a rule says otherwise."),
    ),
)
#: What each role may do beyond those before it.
MAY = {
    Role.VIEWER: say("looks at everything and changes nothing"),
    Role.EDITOR: say("writes drafts, simulates, judges suggestions"),
    Role.APPROVER: say("puts drafts live, takes them back, switches all offers off"),
    Role.OWNER: say("sets options and gives keys to machines"),
}


def add(admin: Admin) -> None:
    @admin.page("/help")
    def help() -> Answer:
        sections = [(name, TITLES[name], words) for name, words in PAGES.items()]
        return admin.show("help", sections=sections, glossary=GLOSSARY, may=MAY)

    @admin.act("/language", Role.VIEWER)
    def language() -> Answer:
        admin.choose(request.form.get("language", ""))
        return admin.back(request.form.get("back", ""))
