"""Words and colours of the view."""

from collections.abc import Iterable

from agent.messaging.header import Say
from agent.messaging.payloads import Alert
from agent.selftest.words import VERDICTS
from config.units import Attribute
from firmware_profiles.hue import rgb
from firmware_profiles.locus import rec709

FRAME = "grey35"
TITLE = "bold grey82"
DIM = "grey58"
FAINT = "grey42"
GOOD, WARN, BAD = "#5fd787", "#ffd75f", "#ff5f5f"
ACCENT = "#5fafff"
NEAR, FAR = 0.15, 0.7
"""Stops from target that count as right, and as wrong."""
LEVELS = {"note": DIM, "good": GOOD, "warning": WARN, "critical": BAD}

TITLES = {
    "lights": Say(en="Lights", zh="灯光"),
    "exposure": Say(en="Exposure", zh="曝光"),
    "network": Say(en="Network", zh="网络"),
    "engine": Say(en="Engine", zh="运行"),
    "alerts": Say(en="Alerts", zh="告警"),
    "log": Say(en="Log", zh="记录"),
    "quiet": Say(en="all quiet", zh="一切正常"),
    "dark": Say(en="too dark", zh="偏暗"),
    "bright": Say(en="too bright", zh="偏亮"),
    "right": Say(en="on target", zh="达标"),
    "no-picture": Say(en="no picture", zh="无画面"),
    "on-air": Say(en="ON AIR", zh="直播中"),
    "off-air": Say(en="OFF AIR", zh="未开播"),
    "unknown-air": Say(en="ON AIR?", zh="状态不明"),
    "online": Say(en="online", zh="在线"),
    "offline": Say(en="offline", zh="离线"),
    "ready": Say(en="ready", zh="就绪"),
    "virtual": Say(en="virtual studio", zh="虚拟演播室"),
    "waiting": Say(en="waiting for the agent", zh="等待程序"),
    "free": Say(en="free", zh="空闲"),
    "let-go": Say(en="loop let go", zh="曝光控制已退出"),
    "idle": Say(en="idle", zh="静止"),
    "nothing": Say(en="nothing has happened yet", zh="暂无记录"),
    "beat": Say(en="beat", zh="节拍"),
    "test": Say(en="test", zh="自检"),
}


def say(text: Say, language: str, joint: str = " ") -> str:
    """A text in ``en``, ``zh`` or both."""
    if language == "en" or text.en == text.zh:
        return text.en
    return text.zh if language == "zh" else f"{text.en}{joint}{text.zh}"


def severest(alerts: Iterable[Alert]) -> list[Alert]:
    """The most serious first, then the oldest."""
    order = ["critical", "warning", "note"]
    return sorted(alerts, key=lambda alert: (order.index(alert.level), alert.since))


def exposed(off: float) -> str:
    """Key of the word for so many stops from target."""
    return "right" if abs(off) <= NEAR else "dark" if off < 0 else "bright"


def nearness(off: float | None) -> str:
    """Colour for so many stops from target."""
    if off is None:
        return FAINT
    return GOOD if abs(off) <= NEAR else WARN if abs(off) <= FAR else BAD


def losses(percent: float | None) -> str:
    """Colour for so much loss."""
    return GOOD if not percent else WARN if percent < 1 else BAD


def verdict(name: str) -> Say:
    """A self-test's verdict; one this program does not know as it is."""
    known = {str(each): text for each, text in VERDICTS.items()}.get(name)
    return Say(en=name, zh=name) if known is None else Say.of(known)


def word(key: str, language: str) -> str:
    """A word of the view."""
    return say(TITLES[key], language)


def light_colour(levels: dict[str, float]) -> str:
    """What a bar is painted with: the light's own colour, as bright as a terminal shows it best."""
    emitters = [levels.get(str(each)) for each in (Attribute.RED, Attribute.GREEN, Attribute.BLUE)]
    if any(value is not None for value in emitters):
        white = levels.get(str(Attribute.WHITE), 0.0)
        mixed = [(value or 0.0) + white for value in emitters]
        top = max(*mixed, 1e-6)
        r, g, b = (int(70 + 185 * value / top) for value in mixed)
        return f"#{r:02x}{g:02x}{b:02x}"
    if (saturation := levels.get(str(Attribute.SATURATION))) is not None:
        r, g, b = (int(70 + 185 * part) for part in rgb(levels.get(str(Attribute.HUE), 0.0), saturation))
        return f"#{r:02x}{g:02x}{b:02x}"
    x, y = levels.get(str(Attribute.CIE_X)), levels.get(str(Attribute.CIE_Y))
    if x is not None and y is not None:
        return chromaticity(x, y)
    kelvin = levels.get(str(Attribute.CCT))
    return "#ffd7a0" if kelvin is None else white_colour(kelvin)


def chromaticity(x: float, y: float) -> str:
    """A sign for a CIE xy: its colour as far as a screen has it. Not colorimetry."""
    mixed = [max(0.0, part) for part in rec709((x, y))]
    top = max(*mixed, 1e-6)
    r, g, b = (int(70 + 185 * (part / top) ** 0.45) for part in mixed)
    return f"#{r:02x}{g:02x}{b:02x}"


def white_colour(kelvin: float) -> str:
    """A sign for a colour temperature: amber at 2700 K, white at 5600 K, blue above. Not colorimetry."""
    warm, white, cold = (255, 176, 84), (255, 244, 229), (186, 214, 255)
    low, high, share = (warm, white, (kelvin - 2700) / 2900) if kelvin < 5600 else (white, cold, (kelvin - 5600) / 4400)
    share = min(1.0, max(0.0, share))
    r, g, b = (round(a + (z - a) * share) for a, z in zip(low, high, strict=True))
    return f"#{r:02x}{g:02x}{b:02x}"
