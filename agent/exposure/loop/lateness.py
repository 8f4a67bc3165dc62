"""How late the picture follows the lights *now*: a camera, a switcher or a stream may take longer in mid-show than they
did at commissioning, and a loop that does not notice asks for every move again before it is seen, and hunts.

    the lights' way, by the matrix   ▁▁▁▂▄▆▇▇▇▇▇▇▇▇▇▇
    seen in the picture              ▁▁▁▁▁▁▁▁▂▄▆▇▇▇▇▇    the smallest delay that explains it is gone by …
    nothing seen yet                 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁    … so it is at least as long as nothing has been seen

What daylight does is no part of it: the zones are weighed so that a change of the room's light, spread over them as
commissioning found it, counts nothing. Pure: numbers in, seconds out.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from agent.exposure.transport.matrix import LATEST, Delay, Transport, Zones
from config.units import Text

WINDOW = 2 * LATEST
"""Seconds of pictures that are looked at."""
PICTURES, ZONES_SEEN = 8, 12
"""So many are needed, and so many zones that are known in all of them."""
GRID, BEYOND = 0.02, 0.5
"""Seconds; how far past the longest delay is looked, to know that it is no longer than that."""
MOVED = 0.03
"""Relative light by which the lights must have changed the zones: less says nothing."""
OWN = 0.1
"""Part of the lights' pattern that must be unlike the room's: with less, a cloud looks like a lamp. Drawn and
photographed sets have 0.15 to 0.22."""
LEAST, MOST = 0.5, 1.5
"""Part of what the matrix predicts that must come: lamps age, but what answers less is not judged here."""
UNEXPLAINED = 0.25
"""Part of the lights' way that no delay explains, above which these pictures say nothing of it."""
WORSE, FLOOR = 2.0, 0.01
"""A delay explains the pictures up to so many times the misfit of the best one, plus this part of the lights' way."""
LONGER = 0.1
"""Seconds over the commissioned delay that are worth a word."""


class Lateness:
    """``seconds`` from a light to its picture: those of commissioning, until the pictures say that they are more."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._usual = transport.predict(transport.levels({}))
        with np.errstate(invalid="ignore"):
            self._zones = transport.known & transport.reference & (self._usual > 0)
        self.seconds = self._sure = transport.delay.seconds
        self._pictures: deque[tuple[float, Zones]] = deque(maxlen=400)
        self._levels: deque[tuple[float, Zones]] = deque(maxlen=400)

    @property
    def delay(self) -> Delay:
        """To go by."""
        return replace(self._transport.delay, seconds=self.seconds)

    @property
    def said(self) -> Text | None:
        """What to tell people: only what has been seen, not what is still waited for."""
        was, now = self._transport.delay.seconds, self._sure
        if now - was < LONGER:
            return None
        return Text(
            f"the picture follows the lights after {now:.1f} s, {was:.1f} s when commissioned: held, but more slowly",
            f"画面滞后灯光 {now:.1f} 秒（标定时为 {was:.1f} 秒）：仍在控制，但速度放慢",
        )

    def shown(self, now: float, levels: Mapping[str, float]) -> None:
        """What the lights show now."""
        self._levels.append((now, self._transport.levels(levels)))
        while self._levels[0][0] < now - WINDOW - LATEST:
            self._levels.popleft()

    def seen(self, captured: float, zones: Zones) -> None:
        """A sound picture, and what it says."""
        if self._pictures and captured <= self._pictures[-1][0]:
            return
        self._pictures.append((captured, zones))
        while self._pictures[0][0] < captured - WINDOW:
            self._pictures.popleft()
        if len(self._pictures) >= PICTURES:
            self.seconds = self._told()

    def _told(self) -> float:
        """The smallest delay, not below that of commissioning, that explains the last seconds; that which is gone by
        already where it does, too, or where nothing can be told."""
        usual = self._transport.delay.seconds
        times, zones = np.array([at for at, _ in self._pictures]), np.stack([each for _, each in self._pictures])
        at, levels = np.array([at for at, _ in self._levels]), np.stack([each for _, each in self._levels])
        known = self._zones & np.isfinite(zones).all(axis=0)
        if known.sum() < ZONES_SEEN:
            return self.seconds
        columns = self._transport.matrix[known] / self._usual[known][:, None]
        moved = columns @ np.ptp(levels[at >= times[0] - usual], axis=0)
        room = self._transport.ambient[known] / self._usual[known]
        own = moved - room * (moved @ room) / max(float(room @ room), 1e-12)
        if moved.mean() < MOVED or own @ own < OWN**2 * (moved @ moved):
            return self.seconds
        weight = own / (own @ own)
        answer, way = (zones[:, known] / self._usual[known]) @ weight, levels @ columns.T @ weight
        waits = np.arange(usual, LATEST + BEYOND, GRID)
        asked = np.interp(times - waits[:, None], at, way)
        asked -= asked.mean(axis=1, keepdims=True)
        answer -= answer.mean()
        share = np.clip(asked @ answer / np.maximum((asked**2).sum(axis=1), 1e-12), LEAST, MOST)
        misfit = np.sqrt(((answer - share[:, None] * asked) ** 2).mean(axis=1))
        far = float(np.ptp(way))
        if misfit.min() > UNEXPLAINED * far:
            return self._sure
        explains = misfit <= WORSE * misfit.min() + FLOOR * far
        now = int(np.argmin(np.abs(waits - self.seconds)))
        found = self.seconds if explains[now] else float(waits[int(np.argmax(explains))])
        if not explains[-1]:
            self._sure = found
        return found
