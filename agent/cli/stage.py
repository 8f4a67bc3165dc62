"""What a person at the demo can do: break and mend the virtual studio, and command the agent as anybody would.

Faults go to the studio behind the agent's back; commands go over MQTT.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.messaging.client import Client
from agent.messaging.dial import NoConnection
from agent.messaging.header import Say, iso
from agent.messaging.topics import Topics
from config.model import StudioConfig
from drivers.virtual.lan import Lan
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.world import LampFault

DAYLIGHT = (0.0, 0.35, 0.9)
"""Night, the demo's beginning, and noon."""
LAN = {"delay": 0.006, "jitter": 0.0012, "loss": 0.0}
BAD_LAN = {"delay": 0.06, "jitter": 0.035, "loss": 0.08}
"""One way; seconds and share."""
AIR_EVERY = 3.0
SOURCE = "demo"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what the view calls it in one word and in a few, and what it does."""

    name: str
    short: str
    long: str
    act: Callable[[], None]


class Stage:
    """See the module. ``say`` puts a line into the view's log; ``hint`` is the last command as a person
    would type it."""

    def __init__(
        self, studio: VirtualStudio, lan: Lan, config: StudioConfig, client: Client, say: Callable[[Say], None]
    ) -> None:
        self.hint = "./studio send lights.set key intensity=0.4 cct=4300 fade=2"
        self.on_air = False
        self._studio, self._lan, self._config, self._client, self._say = studio, lan, config, client, say
        self._topics = Topics(config.agent.site, config.agent.name)
        assert studio.world is not None
        self._world = studio.world
        self._looks = list(config.looks)
        self._look = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._aired = asyncio.Event()
        self._widget = next(iter(config.outputs), "")
        self._camera = next(iter(config.cameras), "")
        self._light = next(iter(config.fixtures), "")
        self._world.daylight = DAYLIGHT[1]
        self.keys: Sequence[Key] = (
            Key("d", "dim", "dim the room", lambda: self.daylight(-1)),
            Key("b", "bright", "brighter", lambda: self.daylight(+1)),
            Key("u", "unplug", f"unplug {self._widget}", self.unplug),
            Key("p", "plug", "plug it in", self.plug),
            Key("h", "hand", f"hand on {self._light}", self.hand),
            Key("r", "release", "release all", self.release),
            Key("e", "hand back", "hand back to the loop", self.hand_back),
            Key("l", "look", "next look", self.next_look),
            Key("a", "air", "on/off air", self.air),
            Key("t", "test", "self-test", self.test),
            Key("n", "net", "bad/good network", self.network),
            Key("x", "lamp", "dead lamp", self.dead_lamp),
            Key("f", "freeze", "freeze camera", self.freeze),
            Key("m", "mend", "mend all", self.mend),
        )

    # --- the studio ------------------------------------------------------------------------------------------

    def daylight(self, step: int) -> None:
        """More or less light from the window."""
        place = min(range(len(DAYLIGHT)), key=lambda each: abs(DAYLIGHT[each] - self._world.daylight))
        self._world.daylight = DAYLIGHT[min(len(DAYLIGHT) - 1, max(0, place + step))]
        share = f"{self._world.daylight * 100:.0f} %"
        self._say(Say(en=f"you: daylight {share}", zh=f"操作：日光 {share}"))

    def unplug(self) -> None:
        self._studio.fault(self._widget, Fault.UNPLUG)
        self._say(Say(en=f"you: {self._widget} unplugged", zh=f"操作：拔出 {self._widget}"))

    def plug(self) -> None:
        self._studio.heal(self._widget)
        self._say(Say(en=f"you: {self._widget} plugged in", zh=f"操作：插入 {self._widget}"))

    def network(self) -> None:
        """Bad, or good again."""
        worse = self._lan.loss == 0
        self._set_lan(BAD_LAN if worse else LAN)
        self._say(Say(en=f"you: network {'bad' if worse else 'good'}", zh=f"操作：网络{'变差' if worse else '恢复'}"))

    def dead_lamp(self) -> None:
        self._world.fault(self._light, LampFault.DEAD)
        self._say(Say(en=f"you: the lamp of {self._light} died", zh=f"操作：{self._light} 灯珠损坏"))

    def freeze(self) -> None:
        self._studio.fault(self._camera, Fault.FREEZE)
        self._say(Say(en=f"you: {self._camera} frozen", zh=f"操作：{self._camera} 画面冻结"))

    def mend(self) -> None:
        """Everything as at the beginning."""
        for name in self._studio.twins:
            self._studio.heal(name)
        for name in self._config.fixtures:
            self._world.heal(name)
        self._set_lan(LAN)
        self._world.daylight = DAYLIGHT[1]
        self._say(Say(en="you: all mended", zh="操作：全部修复"))

    def _set_lan(self, how: Mapping[str, float]) -> None:
        self._lan.delay, self._lan.jitter, self._lan.loss = how["delay"], how["jitter"], how["loss"]

    # --- commands --------------------------------------------------------------------------------------------

    def hand(self) -> None:
        """A hand on the fader: the loop lets go of that light at once."""
        self.send(
            "lights.set",
            {"targets": [self._light], "levels": {"intensity": 0.25, "cct": 3200}, "fade": 1},
            f"{self._light} intensity=0.25 cct=3200 fade=1",
        )

    def release(self) -> None:
        self.send("lights.release", {"targets": ["all"], "fade": 1}, "all fade=1")

    def hand_back(self) -> None:
        """After the loop has let go: it may have the lights again."""
        self.send("exposure.set", {"mode": "hold"}, "hold")

    def next_look(self) -> None:
        self._look = (self._look + 1) % len(self._looks)
        self.send("look.apply", {"look": self._looks[self._look]}, self._looks[self._look])

    def test(self) -> None:
        self.send("selftest.start", {"depth": "quick"}, "depth=quick")

    def send(self, verb: str, args: Mapping[str, Any], typed: str) -> None:
        """Over MQTT, in the background; the answers are seen by the view. ``typed``: the same for a shell."""
        self.hint = f"./studio send {verb} {typed}"
        self._begin(self._send(verb, args))

    async def _send(self, verb: str, args: Mapping[str, Any]) -> None:
        try:
            async for _ in self._client.send(self._topics.site, self._topics.agent, verb, args, timeout=90.0):
                pass
        except (NoConnection, TimeoutError) as error:
            self._say(Say(en=f"{verb}: {error}", zh=f"{verb}：{error}"))

    # --- control software ------------------------------------------------------------------------------------

    def air(self) -> None:
        """On air, or off again."""
        self.on_air = not self.on_air
        self._aired.set()

    async def tell_air(self) -> None:
        """What control software does: says every few seconds whether the studio is on air."""
        while True:
            self._aired.clear()
            body = {"on_air": self.on_air, "source": SOURCE, "issued_at": iso(time.time())}
            try:
                self._client.publish(self._topics.air, json.dumps(body).encode(), retain=True)
            except NoConnection as error:
                self._say(Say(en=f"air state: {error.reason}", zh=f"直播状态：{error.reason}"))
            try:
                async with asyncio.timeout(AIR_EVERY):
                    await self._aired.wait()
            except TimeoutError:
                continue

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
