"""Green/magenta: driven where the file's words say which end is which, held where they do not."""

from pathlib import Path
from typing import Any

import pytest

from tests.firmware_profiles.importers.builders import DIMMER, left, ofl, saved, slots

STEPS = "its steps are taken as one straight line"


def stepped(*words: str, ends: tuple[int, ...] = (10, 20, 119, 145, 244, 255)) -> dict[str, Any]:
    """A channel with a function of these words up to each end."""
    starts = (0, *(end + 1 for end in ends))
    caps = [
        {"dmxRange": [low, high], "type": "Generic", "comment": word}
        for low, high, word in zip(starts, ends, words, strict=False)
    ]
    return {"defaultValue": 0, "capabilities": caps}


FILM = ("Neutral", "Full minus green", "-99%…-1%", "Neutral", "1%…99%", "Full plus green")
WIDE = {"fineChannelAliases": ["G/M fine"], **stepped(*FILM, ends=(5000, 10000, 29999, 40000, 59999, 65535))}
MODE = {"type": "Generic", "comment": "Full minus green...Full plus green"}
BRIGHTNESS = {
    "capabilities": [cap | {"type": "ColorIntensity", "color": "Green"} for cap in stepped(*FILM)["capabilities"]]
}


@pytest.mark.parametrize(
    ("channel", "tint", "sent"),
    [
        (stepped(*FILM), -1.0, "ff14"),
        (stepped(*FILM), 0.0, "ff85"),
        (stepped(*FILM), 1.0, "fff5"),
        (stepped("0", "-80% magenta", "-79%…-1% magenta", "Neutral", "1%…79% green", "+80% green"), 1.0, "fff5"),
        (stepped("0", "Full plus green", "99%…1%", "Neutral", "-1%…-99%", "Full Minus Green"), 1.0, "ff14"),
        (WIDE, -1.0, "ff2710"),
        (WIDE, 0.0, "ff88b8"),
        (WIDE, 1.0, "ffea60"),
        (BRIGHTNESS, 1.0, "fff5"),
        ({"defaultValue": 127, "capability": MODE}, 0.0, "ff80"),
    ],
)
def test_minus_green_is_magenta(tmp_path: Path, channel: dict[str, Any], tint: float, sent: str) -> None:
    names = ["G/M", *channel.get("fineChannelAliases", [])]
    file = saved(
        tmp_path, ofl({"Dimmer": DIMMER | {"fineChannelAliases": []}, "G/M": channel}, ("M", ["Dimmer", *names]))
    )
    assert slots(tmp_path, file, "m", intensity=1.0, tint=tint) == sent
    told = left(file)
    assert told == {} if "capability" in channel else told["G/M"][1] == STEPS


@pytest.mark.parametrize(
    "channel",
    [
        stepped("Neutral", "-1.0", "-0.9…-0.1", "Neutral", "0.1…0.9", "1.0"),
        stepped("Neutral", "Full minus green", "-99%…-1%", "Neutral", "1%…99%", "1.0"),
        stepped("Neutral", "Full minus green", "Full minus green", "Neutral", "1%…99%", "Full plus green"),
        stepped(*FILM, ends=(10, 20, 60, 90, 244, 255)),
    ],
    ids=["no direction", "one end", "an end twice", "neutral is not in the middle"],
)
def test_else_it_is_held(tmp_path: Path, channel: dict[str, Any]) -> None:
    file = saved(tmp_path, ofl({"Dimmer": DIMMER, "G/M": channel}, ("M", ["Dimmer", "G/M"])))
    assert left(file)["G/M"] == ("2", "the file gives words, no quantity", "0 (Neutral)")
