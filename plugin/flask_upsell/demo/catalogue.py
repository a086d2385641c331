"""What the demo store sells: one fixed catalogue, in euro cents.

Products that answer one need share a category, so that "dearer in the same category" is a trade-up. Things that go with
a product have a category of their own. No step of a ladder is more than 25 % dearer than the step below, except between
the streaming plans, which are agreed to on their own. All names are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

CURRENCY: Final = "EUR"

# Licences, contracts and plans cannot run out, but need a number here; the store's own column may be empty.
PLENTY: Final = 9_999


@dataclass(frozen=True, slots=True)
class Item:
    """One product for sale.

    `price` is in euro cents, tax included; for a subscription it is what each period of `period_months` months costs.
    `stock` counts pieces. `picture` names a drawing of `flask_upsell.demo.pictures`. `ref` is opaque: compare it,
    never parse it.
    """

    ref: str
    slug: str
    title: str
    category: str
    price: int
    stock: int
    summary: str
    attributes: dict[str, str] = field(hash=False)
    picture: str
    period_months: int | None = None


def _devices() -> Iterator[Item]:
    """Laptops, phones, tablets, cameras, printers, and what goes with them."""
    yield Item(
        "LT-1408", "aster-14", "Aster 14", "Laptops", 64_900, 24,
        "A light laptop for mail, notes and films, quiet all day.",
        {"Memory": "8 GB", "Storage": "256 GB", "Screen": "14 inch, Full HD", "Battery": "9 hours"}, "laptop",
    )  # fmt: skip
    yield Item(
        "LT-1416", "aster-14-plus", "Aster 14 Plus", "Laptops", 79_900, 18,
        "Twice the memory and storage, for many open windows at once.",
        {"Memory": "16 GB", "Storage": "512 GB", "Screen": "14 inch, Full HD", "Battery": "12 hours"}, "laptop-plus",
    )  # fmt: skip
    yield Item(
        "LT-1532", "aster-15-studio", "Aster 15 Studio", "Laptops", 97_900, 11,
        "A larger, sharper screen and room for photos, sound and code.",
        {"Memory": "32 GB", "Storage": "1 TB", "Screen": "15 inch, 3K", "Battery": "14 hours"}, "laptop-studio",
    )  # fmt: skip
    yield Item(
        "BG-0150", "satchel-15", "Satchel laptop bag", "Laptop bags", 5_900, 60,
        "Waxed canvas with a padded sleeve for laptops up to 15 inches.",
        {"Fits": "up to 15 inch", "Material": "waxed canvas", "Weight": "780 g"}, "laptop-bag",
    )  # fmt: skip
    yield Item(
        "SW-0365", "quire-office", "Quire Office", "Office software", 6_900, PLENTY,
        "Texts, tables and slides on two computers. Bought once, no subscription.",
        {"Computers": "2", "Updates": "3 years", "Delivery": "by e-mail"}, "software",
    )  # fmt: skip
    yield Item(
        "PH-6128", "pebble-6", "Pebble 6", "Phones", 39_900, 40,
        "A handy phone with a good camera and a battery for the day.",
        {"Storage": "128 GB", "Screen": "6.1 inch", "Camera": "48 MP", "Battery": "22 hours"}, "phone",
    )  # fmt: skip
    yield Item(
        "PH-6256", "pebble-6-plus", "Pebble 6 Plus", "Phones", 48_900, 32,
        "The same calm phone, larger, with twice the room for pictures.",
        {"Storage": "256 GB", "Screen": "6.5 inch", "Camera": "48 MP", "Battery": "28 hours"}, "phone-plus",
    )  # fmt: skip
    yield Item(
        "PH-6512", "pebble-6-pro", "Pebble 6 Pro", "Phones", 59_900, 20,
        "Three lenses, a brighter screen, and two days between charges.",
        {"Storage": "512 GB", "Screen": "6.5 inch, 120 Hz", "Camera": "64 MP, 3 lenses", "Battery": "36 hours"},
        "phone-pro",
    )  # fmt: skip
    yield Item(
        "PC-0601", "pebble-felt-case", "Felt phone case", "Phone cases", 2_490, 120,
        "Pressed wool felt that catches a fall and keeps the screen clean.",
        {"Fits": "all Pebble 6", "Material": "wool felt", "Closure": "magnet"}, "phone-case",
    )  # fmt: skip
    yield Item(
        "HP-0420", "hush-headphones", "Hush headphones", "Headphones", 8_900, 45,
        "Over-ear headphones that keep the train outside.",
        {"Connection": "wireless and cable", "Battery": "40 hours", "Weight": "240 g"}, "headphones",
    )  # fmt: skip
    yield Item(
        "TB-1102", "folio-11", "Folio 11", "Tablets", 44_900, 26,
        "A tablet to draw, read and take notes on, as thin as a notebook.",
        {"Storage": "128 GB", "Screen": "11 inch", "Battery": "11 hours"}, "tablet",
    )  # fmt: skip
    yield Item(
        "TP-0011", "folio-pen", "Folio touch pen", "Touch pens", 5_490, 70,
        "Draws as fine as you press. Charges on the tablet's edge.",
        {"Fits": "Folio 11", "Pressure": "4,096 levels", "Battery": "14 hours"}, "touch-pen",
    )  # fmt: skip
    yield Item(
        "TC-0011", "folio-cover", "Folio cover", "Tablet covers", 3_990, 85,
        "Folds into a stand and wakes the tablet as it opens.",
        {"Fits": "Folio 11", "Material": "recycled fabric", "Angles": "3"}, "tablet-cover",
    )  # fmt: skip
    yield Item(
        "CM-0241", "lumen-24", "Lumen 24", "Cameras", 54_900, 15,
        "A first camera with lenses to change, small enough to carry daily.",
        {"Resolution": "24 MP", "Video": "4K, 30 a second", "Stabiliser": "in the lens", "Card slots": "1"}, "camera",
    )  # fmt: skip
    yield Item(
        "CM-0331", "lumen-33", "Lumen 33", "Cameras", 67_900, 10,
        "Steady hands built in, and a second card as a safety copy.",
        {"Resolution": "33 MP", "Video": "4K, 60 a second", "Stabiliser": "in the body", "Card slots": "2"},
        "camera-plus",
    )  # fmt: skip
    yield Item(
        "LN-0050", "lumen-50mm", "Lumen 50 mm lens", "Camera lenses", 21_900, 17,
        "A bright lens for portraits and evenings.",
        {"Focal length": "50 mm", "Aperture": "f/1.8", "Fits": "all Lumen"}, "lens",
    )  # fmt: skip
    yield Item(
        "TR-0145", "heron-tripod", "Heron tripod", "Tripods", 7_900, 30,
        "Three quick legs, steady in wind, folded shorter than an umbrella.",
        {"Height": "145 cm", "Folded": "42 cm", "Weight": "1.2 kg"}, "tripod",
    )  # fmt: skip
    yield Item(
        "MC-0128", "memory-card-128", "Memory card 128 GB", "Memory cards", 2_290, 150,
        "Fast enough for 4K video, sealed against water and dust.",
        {"Capacity": "128 GB", "Reads": "170 MB/s", "Fits": "all Lumen"}, "memory-card",
    )  # fmt: skip
    yield Item(
        "PR-0210", "inkwell-home", "Inkwell Home", "Printers", 12_900, 22,
        "A quiet colour printer for letters and school work.",
        {"Speed": "12 pages a minute", "Paper tray": "100 sheets", "Both sides": "by hand"}, "printer",
    )  # fmt: skip
    yield Item(
        "PR-0320", "inkwell-duo", "Inkwell Duo", "Printers", 15_900, 16,
        "Prints both sides by itself, and twice as fast.",
        {"Speed": "24 pages a minute", "Paper tray": "250 sheets", "Both sides": "by itself"}, "printer-plus",
    )  # fmt: skip
    yield Item(
        "SC-0600", "pageturn-scanner", "Pageturn scanner", "Scanners", 8_900, 19,
        "A slim flatbed that turns paper into searchable files.",
        {"Resolution": "4,800 dpi", "Paper": "up to A4", "Power": "over USB"}, "scanner",
    )  # fmt: skip


def _home() -> Iterator[Item]:
    """Garden, sport, bathroom, gifts and the beach."""
    yield Item(
        "GR-0570", "ember-kettle-grill", "Ember kettle grill", "Grills", 18_900, 14,
        "An enamelled kettle grill with a lid that keeps the heat in.",
        {"Grate": "57 cm", "Fuel": "charcoal", "Serves": "8 people"}, "grill",
    )  # fmt: skip
    yield Item(
        "CH-0030", "beech-charcoal-3kg", "Beech charcoal, 3 kg", "Charcoal", 890, 200,
        "Slow, even heat from local beech. Ready in twenty minutes.",
        {"Weight": "3 kg", "Wood": "beech", "Burns": "3 hours"}, "charcoal",
    )  # fmt: skip
    yield Item(
        "GT-0003", "grill-tools", "Grill tools, set of three", "Grill tools", 3_490, 55,
        "Tongs, turner and fork in steel and ash wood, long enough to stay cool.",
        {"Pieces": "3", "Length": "42 cm", "Material": "steel, ash wood"}, "grill-tools",
    )  # fmt: skip
    yield Item(
        "CB-0112", "over-embers-cookbook", "Over Embers, a cookbook", "Cookbooks", 2_450, 65,
        "One hundred and twelve dishes for charcoal, half of them vegetables.",
        {"Pages": "224", "Cover": "hardback", "Language": "English"}, "cookbook",
    )  # fmt: skip
    yield Item(
        "RS-0800", "fenway-road", "Fenway Road", "Running shoes", 8_900, 48,
        "A steady shoe for the first ten kilometres of the week.",
        {"Cushioning": "medium", "Weight": "285 g", "Lasts": "600 km"}, "shoes",
    )  # fmt: skip
    yield Item(
        "RS-0950", "fenway-distance", "Fenway Distance", "Running shoes", 10_900, 36,
        "More foam and less weight, for longer roads.",
        {"Cushioning": "high", "Weight": "248 g", "Lasts": "800 km"}, "shoes-plus",
    )  # fmt: skip
    yield Item(
        "SK-0002", "running-socks", "Running socks, two pairs", "Running socks", 1_490, 180,
        "Seamless toes and a cuff that stays where it is.",
        {"Pairs": "2", "Material": "merino blend", "Height": "ankle"}, "socks",
    )  # fmt: skip
    yield Item(
        "IN-0001", "cork-insoles", "Cork insoles", "Insoles", 2_490, 90,
        "A cork footbed that takes your shape within a week.",
        {"Material": "cork, foam", "Arch": "medium", "Sizes": "36 to 47"}, "insoles",
    )  # fmt: skip
    yield Item(
        "SH-0250", "birch-shampoo", "Birch shampoo", "Shampoo", 450, 140,
        "A mild shampoo for every day.",
        {"Content": "250 ml", "Hair": "all kinds", "Scent": "birch leaf"}, "shampoo",
    )  # fmt: skip
    yield Item(
        "SH-0251", "birch-shampoo-repair", "Birch repair shampoo", "Shampoo", 550, 110,
        "With oat protein for dry ends.",
        {"Content": "250 ml", "Hair": "dry, coloured", "Scent": "birch and oat"}, "shampoo-plus",
    )  # fmt: skip
    yield Item(
        "CD-0200", "birch-conditioner", "Birch conditioner", "Conditioners", 590, 130,
        "Makes combing easy and rinses out clean.",
        {"Content": "200 ml", "Hair": "all kinds", "Scent": "birch leaf"}, "conditioner",
    )  # fmt: skip
    yield Item(
        "BW-0300", "meadow-body-wash", "Meadow body wash", "Body wash", 390, 160,
        "A fresh body wash that is kind to skin.",
        {"Content": "300 ml", "Skin": "normal", "Scent": "meadow herbs"}, "body-wash",
    )  # fmt: skip
    yield Item(
        "BW-0301", "meadow-body-wash-oil", "Meadow body wash with oil", "Body wash", 470, 120,
        "With almond oil, so that dry skin needs no lotion afterwards.",
        {"Content": "300 ml", "Skin": "dry", "Scent": "almond"}, "body-wash-plus",
    )  # fmt: skip
    yield Item(
        "CO-0120", "chocolate-box-12", "Chocolates, box of 12", "Chocolate", 690, 95,
        "Twelve filled chocolates from a small kitchen.",
        {"Pieces": "12", "Cocoa": "38 %", "Box": "card"}, "chocolate",
    )  # fmt: skip
    yield Item(
        "CO-0160", "chocolate-box-16", "Chocolates, gift box of 16", "Chocolate", 850, 75,
        "Sixteen darker chocolates in a box worth keeping.",
        {"Pieces": "16", "Cocoa": "55 %", "Box": "linen, with ribbon"}, "chocolate-gift",
    )  # fmt: skip
    yield Item(
        "WP-0002", "wrapping-paper", "Wrapping paper and ribbon", "Wrapping paper", 390, 210,
        "Two metres of heavy paper with a cotton ribbon.",
        {"Length": "2 m", "Width": "70 cm", "Ribbon": "3 m, cotton"}, "wrapping-paper",
    )  # fmt: skip
    yield Item(
        "MS-0001", "message-card", "Message card", "Message cards", 290, 260,
        "A letterpress card with an envelope, blank inside.",
        {"Format": "A6", "Paper": "350 g cotton", "Envelope": "included"}, "message-card",
    )  # fmt: skip
    yield Item(
        "SM-0044", "laguna-swimsuit", "Laguna swimsuit", "Swimwear", 4_490, 58,
        "A swimsuit for lanes and lakes, made from old fishing nets.",
        {"Material": "recycled polyamide", "Dries in": "30 minutes", "Sun protection": "UPF 50"}, "swimwear",
    )  # fmt: skip
    yield Item(
        "FF-0038", "pier-flip-flops", "Pier flip-flops", "Flip-flops", 1_690, 100,
        "Natural rubber, with a strap that does not rub.",
        {"Material": "natural rubber", "Sole": "15 mm", "Sizes": "36 to 46"}, "flip-flops",
    )  # fmt: skip
    yield Item(
        "SU-0050", "dune-sunscreen-50", "Dune sunscreen 50", "Sunscreen", 1_290, 145,
        "Safe for reefs, without perfume, dry in a minute.",
        {"Factor": "50", "Content": "150 ml", "Water resistant": "80 minutes"}, "sunscreen",
    )  # fmt: skip
    yield Item(
        "BT-0180", "beach-towel", "Striped beach towel", "Beach towels", 2_290, 80,
        "A large, flat-woven towel that shakes off the sand.",
        {"Size": "90 by 180 cm", "Material": "cotton", "Weight": "380 g"}, "beach-towel",
    )  # fmt: skip
    yield Item(
        "BB-0045", "beach-ball", "Beach ball", "Beach balls", 790, 115,
        "Six bright panels, light enough for small hands.",
        {"Diameter": "45 cm", "Material": "PVC free", "Age": "3 and up"}, "beach-ball",
    )  # fmt: skip


def _clinic() -> Iterator[Item]:
    """What a practice orders."""
    yield Item(
        "GL-0100", "nitrile-gloves", "Surgical gloves, 50 pairs", "Surgical gloves", 1_290, 400,
        "Sterile, powder-free gloves in pairs.",
        {"Pairs": "50", "Material": "nitrile", "Thickness": "0.12 mm"}, "gloves",
    )  # fmt: skip
    yield Item(
        "GL-0101", "neoprene-gloves", "Surgical gloves Touch, 50 pairs", "Surgical gloves", 1_590, 300,
        "A finer feel at the fingertips for longer operations.",
        {"Pairs": "50", "Material": "neoprene", "Thickness": "0.17 mm"}, "gloves-plus",
    )  # fmt: skip
    yield Item(
        "GW-0010", "surgical-gowns", "Surgical gowns, 10 pieces", "Surgical gowns", 3_900, 150,
        "Sterile gowns, sealed at the seams, with a paper belt card.",
        {"Pieces": "10", "Protection": "level 3", "Size": "L"}, "gown",
    )  # fmt: skip
    yield Item(
        "CP-0100", "surgical-caps", "Surgical caps, 100 pieces", "Surgical caps", 1_190, 220,
        "Soft caps that let air through, with ties at the back.",
        {"Pieces": "100", "Material": "viscose", "Fastening": "ties"}, "cap",
    )  # fmt: skip
    yield Item(
        "DM-0005", "renova-dialysis", "Renova dialysis machine", "Dialysis machines", 1_180_000, 6,
        "A bedside machine for haemodialysis, with training for two nurses.",
        {"Blood flow": "up to 500 ml/min", "Screen": "12 inch", "Warranty": "2 years"}, "dialysis",
    )  # fmt: skip
    yield Item(
        "PU-0005", "renova-pump", "Renova infusion pump", "Infusion pumps", 89_000, 20,
        "A second pump that docks onto the machine.",
        {"Flow": "0.1 to 1,200 ml/h", "Battery": "8 hours", "Fits": "Renova"}, "pump",
    )  # fmt: skip
    yield Item(
        "TS-0024", "renova-tubing", "Renova tubing sets, 24 pieces", "Tubing sets", 21_600, 90,
        "Blood lines for one month of treatments, sterile.",
        {"Pieces": "24", "Material": "free of DEHP", "Fits": "Renova"}, "tubing",
    )  # fmt: skip
    yield Item(
        "IV-0020", "iv-bags", "IV bags, 20 pieces", "IV bags", 5_800, 240,
        "Isotonic saline in clear bags with two ports.",
        {"Pieces": "20", "Content": "1,000 ml", "Solution": "0.9 % saline"}, "iv-bag",
    )  # fmt: skip


def _services() -> Iterator[Item]:
    """Contracts, plans and journeys: nothing to ship."""
    contracts = (
        ("SV-0001", "care-basic", "Care Basic", 48_000, "Help by telephone, and a visit a year.", "2 working days",
         "1 a year", "weekdays, 9 to 5", "service"),
        ("SV-0002", "care-plus", "Care Plus", 59_000, "A technician on the next working day.", "1 working day",
         "2 a year", "weekdays, 7 to 8", "service-plus"),
        ("SV-0003", "care-complete", "Care Complete", 73_000, "Someone answers, and comes, on any day.", "8 hours",
         "4 a year", "every day, day and night", "service-complete"),
    )  # fmt: skip
    for ref, slug, title, price, summary, reply, visits, hours, drawing in contracts:
        attributes = {"On site within": reply, "Check-ups": visits, "Telephone": hours}
        yield Item(ref, slug, title, "Service contracts", price, PLENTY, summary, attributes, drawing)
    plans = (
        ("ST-0000", "tern-free", "Tern Free", 0, 1, "Films with breaks.", "SD", "1", "yes", "streaming-free"),
        ("ST-0101", "tern-basic-monthly", "Tern Basic, monthly", 499, 1, "Films without breaks.", "Full HD", "2", "no",
         "streaming-basic"),
        ("ST-0201", "tern-premium-monthly", "Tern Premium, monthly", 999, 1, "The whole family, in the best picture.",
         "4K", "5", "no", "streaming-premium"),
        ("ST-0112", "tern-basic-yearly", "Tern Basic, yearly", 4_990, 12, "Twelve months for the price of ten.",
         "Full HD", "2", "no", "streaming-basic-year"),
        ("ST-0212", "tern-premium-yearly", "Tern Premium, yearly", 9_990, 12, "Everything, and two months saved.",
         "4K", "5", "no", "streaming-premium-year"),
    )  # fmt: skip
    for ref, slug, title, price, months, summary, picture, screens, adverts, drawing in plans:
        attributes = {
            "Picture": picture,
            "Screens at once": screens,
            "Advertising": adverts,
            "Paid": "nothing" if price == 0 else "each month" if months == 1 else "each year",
        }
        yield Item(ref, slug, title, "Streaming plans", price, PLENTY, summary, attributes, drawing, months)
    journeys = (
        ("HO-0003", "bay-week-garden", "A week at the bay, garden room", 69_000, 12, "Quiet, behind the olive trees.",
         "garden", "breakfast", "by bus, 40 minutes", "holiday"),
        ("HO-0004", "bay-week-sea", "A week at the bay, sea view", 84_900, 9, "The same week, the sea at the window.",
         "sea", "breakfast, dinner", "by bus, 40 minutes", "holiday-sea"),
        ("HO-0005", "bay-week-terrace", "A week at the bay, terrace suite", 104_900, 5,
         "Two rooms and a terrace above the water.", "sea, own terrace", "all meals", "by car, 25 minutes",
         "holiday-terrace"),
    )  # fmt: skip
    for ref, slug, title, price, rooms, summary, view, meals, transfer, drawing in journeys:
        attributes = {"View": view, "Meals": meals, "Transfer": transfer}
        yield Item(ref, slug, title, "Holidays", price, rooms, summary, attributes, drawing)


CATALOGUE: Final[tuple[Item, ...]] = (*_devices(), *_home(), *_clinic(), *_services())
BY_REF: Final[dict[str, Item]] = {item.ref: item for item in CATALOGUE}


def ladder(category: str) -> tuple[Item, ...]:
    """The products of a category, cheapest first; empty when the catalogue has no such category."""
    return tuple(sorted((item for item in CATALOGUE if item.category == category), key=lambda item: item.price))
