"""The page of what commissioning found."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from agent.exposure.commissioning.instructions import Commissioned
from agent.exposure.commissioning.picture import page
from tests.agent.exposure.optical import COLUMNS_OF_LIGHT, transport


def tree(html):
    """The page as a tree: it is well-formed."""
    return ElementTree.fromstring(html.removeprefix("<!DOCTYPE html>\n"))


def maps(html):
    return [each for each in tree(html).iter("svg") if each.get("class") == "heat"]


def test_every_fixture_has_its_map_and_its_row():
    found = Commissioned(transport(), flatness=0.4, drift=0.01, late={"key": 0.02})
    html = page(found)
    assert len(maps(html)) == len(COLUMNS_OF_LIGHT) + 3, "and the look, the room light, the noise"
    cells = [each for each in maps(html)[0] if each.get("class") == "cell"]
    shown = np.array([float(each.get("fill-opacity")) for each in cells])
    assert int(shown.argmax()) == int(COLUMNS_OF_LIGHT["key"].argmax())
    rows = ["".join(row.itertext()) for row in tree(html).iter("tr")]
    assert [any(row.startswith(name) for row in rows) for name in COLUMNS_OF_LIGHT] == [True] * 3
    for said in (
        "front",
        "2026-11-26 12:00:00 UTC",
        "320 ms behind the lights",
        "320 毫秒",
        "0.40 stop",
        "exposure = 156",
    ):
        assert said in html


def test_a_kept_transport_is_shown_without_what_is_not_kept():
    html = page(transport())
    assert "Later than the delay" not in html
    assert len(maps(html)) == len(COLUMNS_OF_LIGHT) + 3


def test_unknown_zones_are_crossed():
    whole = transport()
    whole.matrix[[3, 4], 1] = np.nan
    drawn = [sum(each.get("class") == "unknown" for each in one) for one in maps(page(whole))]
    assert drawn[:3] == [0, 2, 0]


def test_the_reference_zones_are_outlined():
    mask = np.zeros(144, bool)
    mask[[17, 18]] = True
    edge = next(each for each in maps(page(transport(reference=mask)))[0] if each.get("class") == "edge")
    assert len(re.findall("M", edge.get("d"))) == 6, "two zones side by side have six borders"


def test_it_needs_nothing_else_and_opens_in_the_language_asked_for():
    for language in ("en", "zh", "both"):
        html = page(transport(), language=language)
        assert not re.search(r"<script|<link|<img|src=|url\(|https?:", html)
        checked = [each.get("id") for each in tree(html).iter("input") if each.get("checked") is not None]
        assert checked == [f"in-{language}"]


def test_lights_the_loop_has_no_use_for_are_named():
    useful = transport()
    assert "little use" not in page(useful)
    idle = [replace(each, down=-0.09, up=0.04) if at == 1 else each for at, each in enumerate(useful.reach)]
    html, name = page(replace(useful, reach=tuple(idle))), useful.fixtures[1]
    assert f"The loop has little use of {name}:" in html and f"{name} 对自动补光作用很小" in html


def test_a_narrow_screen_has_every_row_whole():
    found = Commissioned(transport(), flatness=0.4, drift=0.01, late={"key": 0.02})
    rows = list(tree(page(found)).iter("tr"))
    assert [[cell.get("class") for cell in row][-3:] for row in rows] == [[None, "spare", "spare"]] * len(rows)
    assert ".spare { display: none; }" in page(found)
