"""What is served is what was learned: through the published book the same comes first as by the model alone."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from msgspec.structs import replace

from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import web_client, worker_client
from flask_upsell.core.context import Cart, Context, Line, Policy, Visitor
from flask_upsell.core.decision import decide
from flask_upsell.core.taste import NOTHING, Learned, page, signals
from tests.learn.test_likely import SMALL, START, goods, learned, planted

CARTS = 300
#: Fewer neighbours than there are products: the model is the one that has no others.
SIZES = replace(SMALL, by_weight=20, by_count=25, popular=20)
POLICY = Policy(3, 3, 100, 0, 0, 3, 0, varied=False)


def test_the_first_three_of_a_decision_are_those_of_the_model(redis_url: str) -> None:
    """Of carts with and without a known shopper. Planted bugs that it shows: habits published without their times, ten
    neighbours of each product."""
    history, chance, same = planted(), random.Random(5), 0
    products = {product.ref: product for product in goods(history)}
    at = datetime.fromtimestamp(START.timestamp() + 400 * 86_400, UTC)
    web, worker = web_client(redis_url, 30), worker_client(redis_url)
    shelf = RedisShelf(web, worker, Breaker())
    with learned(history, SIZES) as (known, model, _):
        leads = {known.refs[number - 1]: each for number, each in known.leads()}
        habits, crowd = dict(known.habits()), dict(known.bought())
        shelf.publish(products.values(), leads.items(), Learned(model, known.bought(), known.habits()))
        assert max(len(each.complements) for each in leads.values()) < len(products) / 2
        for number in range(CARTS):
            refs = chance.sample(sorted(products), chance.randint(1, 8))
            who = chance.choice(sorted(habits)) if number % 2 else None
            own = habits[who] if who else NOTHING
            cart = {ref: leads[ref] for ref in refs}
            weights = model.known if who else model.unknown
            found = list(signals(cart, model, crowd, own, at.timestamp()))
            expected = [ref for _, ref in weights.scored(found, page(cart, own))][:3]
            lines = tuple([Line(str(place), ref, 1, 1000) for place, ref in enumerate(refs)])
            visitor = Visitor(who or "visitor", customer=who)
            context = Context("cart", Cart("EUR", lines), lines, at, visitor, policy=POLICY, known_as=who or "")
            offers = decide(context, shelf.read(refs)).offers
            same += [offer.product.ref for offer in offers] == expected
    for client in (web, worker):
        client.close()
    assert same >= 0.99 * CARTS
