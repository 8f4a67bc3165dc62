"""Home Assistant's words and ours, both ways. Pure: nothing here raises but :class:`Refusal`.

A light of Home Assistant has one brightness (1…255) and one colour mode; ours has levels by attribute, in shares of
light. Its *brightness* is our ``intensity``; of a light without one, it is the strongest emitter, and a change of it
keeps the emitters' proportions. ``tint`` and ``amber`` have no place in its lights and are numbers of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.messaging.commands import read_args, read_json
from agent.messaging.homeassistant.payloads import ExposureAsked, LevelAsked, LightAsked, LightShown, Pressed
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.payloads import FixtureEntry
from config.units import EMITTERS, Attribute, Text

RGB = (Attribute.RED, Attribute.GREEN, Attribute.BLUE)
XY = (Attribute.CIE_X, Attribute.CIE_Y)
HS = (Attribute.HUE, Attribute.SATURATION)
LETTERS = {
    "r": Attribute.RED,
    "g": Attribute.GREEN,
    "b": Attribute.BLUE,
    "w": Attribute.WHITE,
    "x": Attribute.CIE_X,
    "y": Attribute.CIE_Y,
    "h": Attribute.HUE,
    "s": Attribute.SATURATION,
}
FULL = 255

Lit = Mapping[Attribute, float]


@dataclass
class Known:
    """What the translation must know of the studio: lights, where they go, how they last shone, the loop's mode."""

    fixtures: dict[str, FixtureEntry] = field(default_factory=dict)
    levels: dict[str, Lit] = field(default_factory=dict)
    lit: dict[str, Lit] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)

    def see(self, name: str, levels: Lit) -> None:
        """A light goes to these levels."""
        self.levels[name] = dict(levels)
        if name in self.fixtures and share(self.fixtures[name], levels) > 0:
            self.lit[name] = dict(levels)


def attributes(entry: FixtureEntry) -> tuple[Attribute, ...]:
    """Those of a light, as far as they are known here."""
    return tuple(Attribute(each) for each in entry.attributes if each in set(Attribute))


def dimmers(entry: FixtureEntry) -> tuple[Attribute, ...]:
    """What makes the light brighter and darker."""
    able = attributes(entry)
    return (Attribute.INTENSITY,) if Attribute.INTENSITY in able else tuple(a for a in able if a in EMITTERS)


def modes(entry: FixtureEntry) -> tuple[str, ...]:
    """Its colour modes in Home Assistant; none: it cannot be shown as a light."""
    able = attributes(entry)
    if not dimmers(entry):
        return ()
    found = ["color_temp"] if Attribute.CCT in able else []
    if set(RGB) <= set(able):
        found.append("rgbw" if Attribute.WHITE in able else "rgb")
    if set(XY) <= set(able):
        found.append("xy")
    if set(HS) <= set(able):
        found.append("hs")
    return tuple(found) or ("brightness",)


def beside(entry: FixtureEntry) -> tuple[Attribute, ...]:
    """What a light of Home Assistant has no place for."""
    able = attributes(entry)
    if not modes(entry):
        return able
    left: list[Attribute] = [a for a in able if a is Attribute.TINT]
    if set(RGB) <= set(able):
        left += [a for a in able if a is Attribute.AMBER]
    elif Attribute.INTENSITY in able:
        left += [a for a in able if a in EMITTERS]
    if not set(HS) <= set(able):
        left += [a for a in able if a in HS]
    return tuple(left)


def share(entry: FixtureEntry, levels: Lit) -> float:
    """How bright it is, 0…1."""
    return max((levels.get(a, 0.0) for a in dimmers(entry)), default=0.0)


def shown(entry: FixtureEntry, levels: Lit) -> LightShown:
    """These levels in Home Assistant's words."""
    bright = share(entry, levels)
    able = modes(entry)
    coloured = any(levels.get(a, 0.0) > 0 for a in (*RGB, Attribute.SATURATION))
    mode = next((m for m in able if (m.startswith("rgb") or m == "hs") == coloured), able[0] if able else None)
    colour: dict[str, int | float] | None = None
    if mode == "xy":
        colour = {c: round(levels.get(LETTERS[c], 0.0), 4) for c in mode}
    if mode == "hs":
        colour = {"h": round(levels.get(HS[0], 0.0), 2), "s": round(100 * levels.get(HS[1], 0.0), 2)}
    if mode in ("rgb", "rgbw"):
        whole = 1.0 if Attribute.INTENSITY in attributes(entry) else bright or 1.0
        colour = {c: round(FULL * min(1.0, levels.get(LETTERS[c], 0.0) / whole)) for c in mode}
    return LightShown(
        state="ON" if bright > 0 else "OFF",
        brightness=max(1, round(FULL * bright)) if bright > 0 else None,
        color_mode=mode,
        color_temp=round(levels[Attribute.CCT]) if mode == "color_temp" and Attribute.CCT in levels else None,
        color=colour,
    )


def request(kind: str, name: str, body: bytes, known: Known) -> tuple[str, dict[str, Any]]:
    """Verb and arguments of what Home Assistant sent to ``down/ha/<kind>/<name>``. Raises Refusal."""
    found = read_json(body or b"{}")
    if kind == "light":
        return _light(name, read_args(LightAsked, found), known)
    if kind == "level":
        level = read_args(LevelAsked, found)
        return "lights.set", {"targets": [name], "levels": {level.attribute: level.level}}
    if kind == "exposure":
        return "exposure.set", _exposure(name, read_args(ExposureAsked, found), known)
    read_args(Pressed, found)
    match kind, name:
        case "look", _:
            return "look.apply", {"look": name}
        case "identify", _:
            return "identify", {"fixture": name}
        case "release", _:
            return "lights.release", {"targets": [name]}
        case "selftest", "cancel":
            return "selftest.cancel", {}
        case "selftest", _:
            return "selftest.start", {"depth": name}
    raise Refusal(
        ReasonCode.UNKNOWN_TARGET, Text(f"down/ha/{kind} is no topic of this agent", f"down/ha/{kind} 不是本程序的主题")
    )


def _exposure(camera: str, asked: ExposureAsked, known: Known) -> dict[str, Any]:
    mode = asked.mode or known.modes.get(camera)
    if mode is None:
        raise Refusal(
            ReasonCode.UNKNOWN_TARGET, Text(f"no exposure loop looks through {camera}", f"{camera} 没有曝光控制")
        )
    return {"mode": mode} if asked.target is None else {"mode": mode, "target": asked.target}


def _light(name: str, asked: LightAsked, known: Known) -> tuple[str, dict[str, Any]]:
    entry = known.fixtures.get(name)
    if entry is None:
        raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(f"there is no light {name}", f"没有灯具 {name}"))
    if asked.flash is not None:
        return "identify", {"fixture": name, "seconds": max(1.0, asked.flash)}
    levels = _dark(entry) if asked.state == "OFF" or asked.brightness == 0 else _bright(entry, asked, known)
    if not levels:
        raise Refusal(
            ReasonCode.INVALID,
            Text(f"{name} has nothing that Home Assistant could set", f"{name} 没有 Home Assistant 可设置的项"),
        )
    return "lights.set", {"targets": [name], "levels": levels, "fade": asked.transition}


def _dark(entry: FixtureEntry) -> dict[Attribute, float]:
    return dict.fromkeys(dimmers(entry), 0.0)


def _bright(entry: FixtureEntry, asked: LightAsked, known: Known) -> dict[Attribute, float]:
    """*On*: what was asked; for the rest as it is, and from the dark as it last shone."""
    able = attributes(entry)
    now = known.levels.get(entry.name, {})
    dark = share(entry, now) == 0
    before = known.lit.get(entry.name, {}) if dark else now
    bright = max(share(entry, before), 1 / FULL) if share(entry, before) > 0 else 1.0
    if asked.brightness is not None:
        bright = asked.brightness / FULL
    levels: dict[Attribute, float] = {}
    if asked.color_temp is not None:
        if Attribute.CCT not in able:
            raise Refusal(
                ReasonCode.INVALID, Text(f"{entry.name} has no colour temperature", f"{entry.name} 不能调色温")
            )
        levels[Attribute.CCT] = asked.color_temp
    colour = _colour(entry, asked)
    if Attribute.INTENSITY in able:
        if asked.color_temp is not None and set(RGB) <= set(able) and not colour:
            colour = dict.fromkeys(RGB, 0.0)
        if asked.color_temp is not None and HS[1] in able and not colour:
            colour = {HS[1]: 0.0}
        levels |= colour
        if dark or asked.brightness is not None or not levels:
            levels[Attribute.INTENSITY] = bright
        return _rounded(levels)
    emitters = {a: before.get(a, 0.0) for a in dimmers(entry)} | colour
    strongest = max(emitters.values(), default=0.0)
    if strongest == 0 and not colour:
        emitters, strongest = dict.fromkeys(emitters, 1.0), 1.0
    return _rounded(levels | {a: min(1.0, v / (strongest or 1.0) * bright) for a, v in emitters.items()})


def _colour(entry: FixtureEntry, asked: LightAsked) -> dict[Attribute, float]:
    if asked.color is None:
        return {}
    able = attributes(entry)
    if not any(set(way) <= set(able) for way in (RGB, XY, HS)):
        raise Refusal(ReasonCode.INVALID, Text(f"{entry.name} has no colours", f"{entry.name} 不能调色"))
    said = {LETTERS[c]: v for c, v in asked.color.model_dump(exclude_none=True).items()}
    if wrong := [str(a) for a in said if a not in able]:
        raise Refusal(
            ReasonCode.INVALID, Text(f"{entry.name} has no {', '.join(wrong)}", f"{entry.name} 没有 {'、'.join(wrong)}")
        )
    scale = {**dict.fromkeys((*XY, HS[0]), 1.0), HS[1]: 100.0}
    return {a: v / scale.get(a, FULL) for a, v in said.items()}


def _rounded(levels: Mapping[Attribute, float]) -> dict[Attribute, float]:
    return {a: round(v, 5) for a, v in levels.items()}
