"""What the fields of a rule are called, and a sentence about each."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.kind import Placement
from ...core.words import Sentence, say

Words = tuple[Sentence | str, Sentence | str]
Options = tuple[tuple[str, Sentence], ...]

KINDS: Options = (("complement", say("beside it (cross-sell)")), ("upgrade", say("instead of it (upsell)")))
#: How groups of conditions are read.
GROUPS: Options = (
    ("all", say("all of these are true")),
    ("any", say("at least one of these is true")),
    ("none", say("none of these is true")),
)
CHOICES: Mapping[str, Options] = {
    "kind": KINDS,
    "match": (
        ("any", say("has any of")),
        ("all", say("has each of")),
        ("none", say("has none of")),
        ("only", say("has nothing but")),
        ("at_least", say("has so many pieces of")),
    ),
    "reward": (("free_shipping", say("free delivery")), ("gift", say("a gift"))),
    "Schedule.weekdays": (
        ("mon", say("Monday")),
        ("tue", say("Tuesday")),
        ("wed", say("Wednesday")),
        ("thu", say("Thursday")),
        ("fri", say("Friday")),
        ("sat", say("Saturday")),
        ("sun", say("Sunday")),
    ),
    "Rule.placements": (
        (Placement.PRODUCT.value, say("product page")),
        (Placement.CART.value, say("cart")),
        (Placement.CHECKOUT.value, say("checkout")),
        (Placement.CONFIRMATION.value, say("confirmation")),
        (Placement.MAIL.value, say("mail")),
    ),
    "Rule.status": (
        ("active", say("live")),
        ("paused", say("paused")),
        ("ended", say("ended")),
        ("draft", say("draft")),
    ),
    "Discount.off": (
        ("", say("no discount")),
        ("percent", say("percent off")),
        ("amount", say("an amount off")),
        ("price", say("a fixed price")),
        ("free_shipping", say("free delivery")),
        ("gift", say("a gift")),
    ),
    "Discount.orphan": (("reprice", say("it gets its usual price")), ("drop", say("it leaves the cart too"))),
    "Discount.combines": (
        ("product", say("discounts on products")),
        ("order", say("discounts on the order")),
        ("shipping", say("discounts on delivery")),
    ),
}
OFFERS: Options = (
    ("products", say("these products")),
    ("category", say("the most bought of a category")),
    ("tag", say("the most bought with a tag")),
    ("learned", say("what past orders suggest")),
    ("relative", say("a similar product")),
    ("ladder", say("the next step of a ladder")),
    ("gap", say("what is missing to an amount")),
    ("bundle", say("a set at one price")),
    ("second", say("a second one of it")),
    ("programme", say("a programme to join")),
    ("nothing", say("nothing, and look no further")),
    ("", say("nothing: only ask a question")),
)
#: What is picked from the store's own names.
PICKS: Mapping[str, str] = {
    "product": "product",
    "products": "product",
    "gift": "product",
    "category": "category",
    "tag": "tag",
    "brand": "brand",
    "seasons": "season",
    "with_rules": "rule",
    "Category.name": "category",
    "Tagged.name": "tag",
    "Ladder.name": "ladder",
    "Perked.is": "rule",
}
WORDS: Mapping[str, Words] = {
    # Conditions
    "condition.lines": (say("The cart"), say("Which products are in it; fields that you fill in must all fit.")),
    "condition.subtotal": (say("The cart's worth"), say("What all lines cost together, before discounts.")),
    "condition.line_count": (say("Number of lines"), say("How many different products are in the cart.")),
    "condition.currency": (say("Currency"), say("The cart's currency, such as EUR.")),
    "condition.placement": (say("Page"), say("Where the offer would stand: cart, checkout, product …")),
    "condition.payment": (say("Payment method"), say("In your store's own name for it.")),
    "condition.shipping": (say("Shipping method"), say("In your store's own name for it.")),
    "condition.coupon": (say("Coupon"), say("Whether the shopper has entered one.")),
    "condition.discount_share": (say("Discount already given"), say("How many percent your store takes off anyhow.")),
    "condition.country": (say("Country"), say("Two letters, such as DE or IT.")),
    "condition.language": (say("Language"), say("Of the page, such as de; de-AT is meant too.")),
    "condition.group": (say("Customer group"), say("As your store declares it, such as members.")),
    "condition.signed_in": (say("Signed in"), say("Whether your store knows the customer.")),
    "condition.first_order": (say("First order"), say("Guests of whom nothing is known are neither.")),
    "condition.order_count": (say("Orders before"), say("How many the customer has placed.")),
    "condition.days_since_last_order": (say("Days since the last order"), say("Whole days.")),
    "condition.has_bought": (say("Has bought"), say("Whether the customer bought one of these before.")),
    "condition.source": (say("Campaign"), say("The UTM source that led here.")),
    "condition.answer": (say("Answer"), say("What the shopper answered to a rule's question.")),
    "condition.perk": (say("Promised gift"), say("Names of the rules that promised it.")),
    "condition.sample": (say("A part of the visitors"), say("Drawn by chance; the same person is always in or out.")),
    # Their arguments
    "match": (say("The cart"), ""),
    "units": (say("Pieces"), say("Only for “has so many pieces of”.")),
    "product": (say("Products"), ""),
    "variant": (say("Variants"), ""),
    "category": (say("Categories"), say("What lies within it counts too.")),
    "tag": (say("Tag"), ""),
    "Lines.tag": (say("Tags"), ""),
    "brand": (say("Brands"), ""),
    "Lines.price": (say("Price of one"), ""),
    "quantity": (say("Pieces of one line"), ""),
    "attribute": (say("Attributes"), ""),
    "Lines.attribute.key": (say("Attribute"), ""),
    "Lines.attribute.value": (say("Values"), ""),
    "min": (say("At least"), ""),
    "max": (say("At most"), ""),
    "is": (say("Is one of"), ""),
    "SignedIn.is": (say("Is so"), ""),
    "FirstOrder.is": (say("Is so"), ""),
    "present": (say("Has a coupon"), ""),
    "codes": (say("One of these codes"), say("Empty: any.")),
    "question": (say("Question"), ""),
    "Answer.question": (say("Rule that asks"), ""),
    "percent": (say("Percent"), ""),
    "seed": (say("Drawn apart as"), say("Rules with the same word draw the same people.")),
    # Where offers come from
    "products": (say("Products"), say("In this order; what is sold out or in the cart makes room for the next.")),
    "Bundle.products": (say("Products"), say("2 to 4, sold together at one price.")),
    "Gap.products": (say("Or these products"), ""),
    "kind": (say("Offered"), ""),
    "name": (say("Name"), ""),
    "Rule.name": (say("Short name"), say("Unlike any other rule's; files and reports call it so.")),
    "Category.name": (say("Category"), ""),
    "Tagged.name": (say("Tag"), ""),
    "Ladder.name": (say("Ladder"), say("Products from basic to premium.")),
    "Ladder.steps": (say("Steps up"), say("How many at most; usually 1.")),
    "compare": (say("Show two steps side by side"), ""),
    "same": (say("The same in"), say("Attributes, or brand.")),
    "min_percent": (say("Costs at least"), say("Percent of what is in the cart: 105 is 5 % more.")),
    "max_percent": (say("Costs at most"), say("Percent of what is in the cart.")),
    "threshold": (say("Amount to reach"), say("Such as 50.00 EUR; one for each currency.")),
    "reward": (say("What it brings"), ""),
    "Gap.category": (say("From the category"), ""),
    "Gap.tag": (say("Or with the tag"), ""),
    "url": (say("Link"), say("Where it is joined.")),
    "title": (say("Title"), ""),
    "terms": (say("What follows"), say("What it costs afterwards, and how to leave.")),
    "image": (say("Picture"), say("A link to it.")),
    # Discounts
    "Discount.off": (say("Discount"), say("Only on what this rule offers.")),
    "amount": (say("Amount off"), say("Such as 5.00 EUR; one for each currency.")),
    "Discount.price": (say("Fixed price"), say("Such as 29.90 EUR; one for each currency.")),
    "most": (say("Takes off at most"), say("Such as 20.00 EUR.")),
    "most_units": (say("For at most so many pieces"), ""),
    "combines": (say("May stand beside"), say("Without a tick it is given alone.")),
    "with_coupon": (say("Also with a coupon"), ""),
    "with_rules": (say("Also with these rules"), say("If they name this one too.")),
    "floor": (say("Never below"), say("What would cost less is not offered.")),
    "cost": (say("Not below what it costs you"), ""),
    "margin_percent": (say("Keep so much margin"), say("Percent of the price above the cost.")),
    "Floor.price": (say("Least price"), say("Such as 10.00 EUR; one for each currency.")),
    "orphan": (say("When its reason leaves the cart"), ""),
    # Limits
    "total": (say("Times in all"), ""),
    "per_customer": (say("Times per customer"), ""),
    "per_day": (say("Times a day"), ""),
    "budget": (say("Money taken off in all"), say("Such as 1000.00 EUR.")),
    # When
    "seasons": (say("Seasons"), say("In any of these; empty: all year.")),
    "start": (say("From"), say("In the store's time.")),
    "end": (say("Until"), say("Up to this minute.")),
    "weekdays": (say("Weekdays"), say("None ticked: every day.")),
    "hours": (say("Hours"), say("Such as 09:00-17:00.")),
    "except_days": (say("Not on"), say("Such as 2027-12-24, or 2027-12-24..2027-12-26.")),
    "zone": (say("Time zone"), say("Such as Europe/Rome; empty: the store's.")),
    # Wishes
    "Goal.units": (say("Pieces to sell"), ""),
    "Goal.start": (say("From the day"), say("Such as 2027-09-01.")),
    "by": (say("By the day"), say("It is counted too.")),
    "lift": (say("Priority while it is behind"), say("Added to its own; empty: 1000.")),
    "Question.question": (say("Words"), ""),
    "answers": (say("Answers"), say("2 to 4.")),
    "Question.answers.key": (say("Short word"), say("a to z; the condition “Answer” names it.")),
    "Question.answers.value": (say("Words"), ""),
    "code": (say("A coupon code of your store"), ""),
    "gift": (say("A product as a gift next time"), ""),
    "points": (say("Points"), ""),
    "words": (say("Words"), say("Empty: it is told plainly. {code} stands for the code.")),
    "key": (say("Language"), say("Such as en or de.")),
    "value": (say("Words"), ""),
    "headline": (say("Headline"), say("Stands over the offer.")),
    "benefits": (say("Benefits"), say("Short, and true.")),
    # The rule
    "label": (say("What you call it"), say("Only people who work here read it.")),
    "status": (say("Status once it is live"), ""),
    "priority": (say("Priority"), say("Higher ones are tried first; usually 0.")),
    "placements": (say("Pages"), say("None ticked: all of them.")),
    "Rule.most": (say("Offers at most"), say("How many places it may fill; usually 2.")),
    "stop": (say("Look no further"), say("When it applies, no rule below it is tried.")),
    "gap_percent": (say("Price gap"), say("How many percent dearer an upgrade may be.")),
    "any_price": (say("Any price"), say("What it offers may cost more than the cart.")),
    "boost": (say("First of all"), say("Attributes or tags; products that have them come first.")),
}


def words_of(owner: str, key: str) -> Words:
    """Label and help of a field; a store's own are called by their names."""
    found = WORDS.get(f"{owner}.{key}") or WORDS.get(key)
    return found if found is not None else (key.replace("_", " ").capitalize(), "")
