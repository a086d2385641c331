"""What buyers say of some products of the demo: the average of 5, how many they are, one short quote. All invented."""

from __future__ import annotations

from typing import Final

from flask_upsell import Reviews
from flask_upsell.demo.models import Product

PRAISE: Final = {
    "LT-1416": Reviews(4.7, 212, "Twice the memory, and it stays quiet."),
    "LT-1532": Reviews(4.6, 87, "The screen alone is worth it."),
    "PH-6256": Reviews(4.6, 128, "The battery lasts the whole weekend."),
    "PH-6512": Reviews(4.8, 64, "Never had to delete a picture again."),
    "CM-0331": Reviews(4.7, 51, "Sharp in the evening too."),
    "PR-0320": Reviews(4.4, 73, "Both sides at once, I print half as much paper."),
    "RS-0950": Reviews(4.5, 143, "My knees noticed after a week."),
    "HO-0004": Reviews(4.8, 39, "We woke up to the sea."),
    "HO-0005": Reviews(4.9, 22, "Breakfast on the terrace, every day."),
    "BW-0301": Reviews(4.3, 310, "No cream needed any more."),
    "CO-0160": Reviews(4.6, 95, "Four more, and a box to keep."),
}


def praise(product: Product) -> Reviews | None:
    """What buyers say of it, if anybody does."""
    return PRAISE.get(product.sku)
