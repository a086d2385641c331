"""Product pictures as standalone SVG: no files, no fonts, no references to anything outside the picture.

A product of the demo's own catalogue has a drawing; an imported product gets a tile with the initials of its title.
"""

from __future__ import annotations

from colorsys import hls_to_rgb
from typing import Final
from unicodedata import category as unicode_category
from xml.sax.saxutils import escape
from zlib import crc32

from flask_upsell.demo.drawings_devices import DEVICES
from flask_upsell.demo.drawings_home import HOME

DRAWINGS: Final[dict[str, str]] = {**DEVICES, **HOME}

# Hues (degrees) chosen by eye, where the hash would put an object before its own colour.
_HUES: Final = {
    "Laptops": 214, "Laptop bags": 36, "Office software": 210, "Phones": 198, "Phone cases": 96, "Headphones": 16,
    "Tablets": 172, "Touch pens": 168, "Tablet covers": 12, "Cameras": 42, "Camera lenses": 28, "Tripods": 150,
    "Memory cards": 216, "Printers": 204, "Scanners": 200, "Grills": 18, "Charcoal": 30, "Grill tools": 26,
    "Cookbooks": 14, "Running shoes": 190, "Running socks": 44, "Insoles": 26, "Shampoo": 110, "Conditioners": 266,
    "Body wash": 190, "Chocolate": 22, "Wrapping paper": 174, "Message cards": 350, "Swimwear": 188, "Flip-flops": 42,
    "Sunscreen": 44, "Beach towels": 196, "Beach balls": 48, "Surgical gloves": 200, "Surgical gowns": 178,
    "Surgical caps": 176, "Dialysis machines": 206, "Infusion pumps": 206, "Tubing sets": 208, "IV bags": 204,
    "Service contracts": 228, "Streaming plans": 250, "Holidays": 190,
}  # fmt: skip


def picture(item_picture: str, title: str, category: str) -> str:
    """The SVG document for a product: its drawing; for an unknown `item_picture` a tile with the title's initials."""
    hue = _HUES.get(category, crc32(category.encode()) % 360)
    drawing = DRAWINGS.get(item_picture)
    return _tile(title, hue) if drawing is None else _scene(drawing, hue)


def _scene(drawing: str, hue: int) -> str:
    """An object on a floor, lit from above."""
    return (
        f"{_OPENING}"
        f'<rect width="400" height="300" fill="{_colour(hue, 0.925, 0.42)}"/>'
        f'<path d="M0 226h400v74H0z" fill="{_colour(hue, 0.875, 0.36)}"/>'
        f'<ellipse cx="200" cy="252" rx="136" ry="11" fill="{_colour(hue, 0.25, 0.3)}" opacity=".16"/>'
        f"{drawing}</svg>"
    )


def _tile(title: str, hue: int) -> str:
    """Initials on two quiet arcs; dark on light with a contrast of more than 7 to 1 at every hue."""
    return (
        f"{_OPENING}"
        f'<rect width="400" height="300" fill="{_colour(hue, 0.92, 0.38)}"/>'
        f'<circle cx="330" cy="318" r="190" fill="{_colour(hue, 0.86, 0.36)}"/>'
        f'<circle cx="54" cy="-24" r="120" fill="{_colour(hue, 0.955, 0.5)}"/>'
        f'<rect x="120" y="70" width="160" height="160" rx="36" fill="#fff" opacity=".72"/>'
        f'<text x="200" y="152" text-anchor="middle" dominant-baseline="central" font-family="system-ui, sans-serif" '
        f'font-size="76" font-weight="600" fill="{_colour(hue, 0.2, 0.4)}">{escape(initials(title))}</text></svg>'
    )


_OPENING: Final = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" width="400" height="300">'


def initials(title: str) -> str:
    """The first letters or digits of the first two words that have one, in capitals; a dot when no word has."""
    found = [next((sign for sign in word if unicode_category(sign)[0] in "LN"), "") for word in title.split()]
    # A letter such as ß becomes two when it is made a capital.
    return "".join(found)[:2].upper()[:2] or "·"


def _colour(hue: int, lightness: float, saturation: float) -> str:
    """A colour as #rrggbb; `hue` in degrees, the rest from 0 to 1."""
    channels = hls_to_rgb(hue / 360, lightness, saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
