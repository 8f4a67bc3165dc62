"""Drawing with characters: bars, curves, needles. Pure; text in the width asked for."""

from collections.abc import Sequence

HEIGHTS = "▁▂▃▄▅▆▇█"
LOST = "×"


def bar(share: float, width: int) -> tuple[str, str]:
    """A level 0…1 as (filled, rest), in half characters; thin, so that bars under each other do not melt together."""
    halves = round(min(1.0, max(0.0, share)) * width * 2)
    whole, half = divmod(halves, 2)
    filled = "━" * whole + "╸" * half
    rest = width - len(filled)
    return filled, ("╺" if rest and not half and whole else "") + "━" * (rest - bool(rest and not half and whole))


def curve(values: Sequence[float | None], width: int, low: float | None = None, high: float | None = None) -> str:
    """The last ``width`` values as a sparkline; a missing one is ``×``. Without ``low``/``high`` the line spans what
    it shows, but never less than a fifth of its middle: noise must not look like drama."""
    shown = list(values)[-width:]
    known = [value for value in shown if value is not None]
    if not known:
        return (LOST * len(shown)).rjust(width)
    bottom = min(known) if low is None else low
    top = max(known) if high is None else high
    least = 0.2 * abs(top + bottom) / 2 or 1e-9
    if top - bottom < least:
        top = bottom + least
    steps = [
        LOST if value is None else HEIGHTS[min(7, max(0, int((value - bottom) / (top - bottom) * 7.999)))]
        for value in shown
    ]
    return "".join(steps).rjust(width)


def scale(width: int, reach: float) -> tuple[str, str]:
    """A ruler from ``-reach`` to ``+reach`` stops: (numbers, ticks). ``width`` odd, so that zero has a middle."""
    middle = width // 2
    numbers, ticks = [" "] * width, ["─"] * width
    for stop in range(-int(reach), int(reach) + 1):
        place = middle + round(stop / reach * middle)
        ticks[place] = "┼" if stop == 0 else "┴"
        word = f"{stop:+d}" if stop else "0"
        start = min(max(0, place - len(word) // 2 - (stop > 0) * 0), width - len(word))
        numbers[start : start + len(word)] = word
    return "".join(numbers), "".join(ticks)


def needle(value: float, width: int, reach: float) -> int:
    """Column of a value on that ruler; values beyond it rest at its ends."""
    middle = width // 2
    return middle + round(min(reach, max(-reach, value)) / reach * middle)
