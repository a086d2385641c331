"""Pictures are well-formed, self-contained, distinct, and safe with any title."""

from __future__ import annotations

import re
from xml.etree.ElementTree import fromstring

import pytest

from flask_upsell.demo.catalogue import CATALOGUE, Item
from flask_upsell.demo.pictures import DRAWINGS, initials, picture

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "rect", "path", "circle", "ellipse", "g", "clipPath", "text"}


@pytest.mark.parametrize("item", CATALOGUE, ids=lambda item: item.picture)
def test_a_product_has_a_drawing_that_stands_alone(item: Item) -> None:
    assert item.picture in DRAWINGS
    document = picture(item.picture, item.title, item.category)
    root = fromstring(document)
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == "0 0 400 300"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ELEMENTS
    # The namespace is the only address; url(#…) points into the picture itself.
    assert document.count("http") == 1
    assert not re.search(r"href|<script|\son\w+=|url\((?!#)|@import|<style", document)
    assert len(document) < 8_000


def test_no_two_products_look_the_same_and_no_drawing_is_left_over() -> None:
    assert len({picture(item.picture, "", "") for item in CATALOGUE}) == len(CATALOGUE)
    assert set(DRAWINGS) == {item.picture for item in CATALOGUE}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Garden hose", "GH"),
        ("  7 dwarfs ", "7D"),
        ("<b>bold</b> & <i>", "BI"),
        ("Öl & Essig", "ÖE"),
        ("ßeta", "S"),
        ("東京 タワー", "東タ"),
        ("one", "O"),
        ("a b c", "AB"),
        ("!!! ???", "·"),
        ("", "·"),
    ],
)
def test_initials(title: str, expected: str) -> None:
    found = initials(title)
    assert found.startswith(expected)
    assert len(found) <= 2


@pytest.mark.parametrize("title", ['<script>alert("1")</script>', "& &", "]]> -->", "\u202e\x00\x08 x", "a\ufffe"])
def test_a_tile_is_well_formed_whatever_the_title(title: str) -> None:
    root = fromstring(picture("imported", title, '"><script>'))
    assert [element.tag for element in root.iter(f"{SVG}script")] == []


def test_a_tile_keeps_its_colour_and_categories_differ() -> None:
    assert picture("", "Spade", "Garden") == picture("", "Spade", "Garden")
    assert picture("", "Spade", "Garden") != picture("", "Spade", "Kitchen")


def test_the_initials_are_dark_enough_on_every_hue() -> None:
    from colorsys import hls_to_rgb

    def luminance(hue: int, lightness: float, saturation: float) -> float:
        parts = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in hls_to_rgb(hue / 360, lightness, saturation)
        )
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    for hue in range(360):
        ground, text = luminance(hue, 0.86, 0.36), luminance(hue, 0.2, 0.4)
        assert (ground + 0.05) / (text + 0.05) > 4.5
