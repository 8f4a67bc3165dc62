"""Which light of the rig an RDM device is, which profile holds for it, and what to do where these two differ. Pure.

Nothing is changed by it: a profile is chosen by a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agent.messaging.header import Say
from agent.messaging.rdm_payloads import RdmDevice
from config.units import SILENT, Text
from drivers.dmx.rdm_changes import firmware
from drivers.dmx.rdm_survey import Responder
from firmware_profiles.library import Library
from firmware_profiles.patch import Patched
from firmware_profiles.rdm import choose


@dataclass(frozen=True)
class Fit:
    """``said`` and ``next_step`` are empty where all is well. ``wrong``: the light is not as it is set up; a model that
    no profile names is no fault."""

    device: Responder
    fixture: str | None = None
    profile: str | None = None
    said: Text = SILENT
    next_step: Text = SILENT
    wrong: bool = False

    def told(self) -> RdmDevice:
        each = self.device
        return RdmDevice(
            uid=str(each.uid),
            model=each.model,
            label=each.label,
            firmware=firmware(each),
            address=each.info.address,
            footprint=each.info.footprint,
            personality=each.info.personality,
            fixture=self.fixture,
            profile=self.profile,
            said=Say.of(self.said),
            next=Say.of(self.next_step),
        )


def fit(each: Responder, universe: int, lights: Iterable[Patched], shelf: Library) -> Fit:
    """``lights`` are those of the rig; the one at the device's start address is meant."""
    light = next((one for one in lights if (one.universe, one.address) == (universe, each.info.address)), None)
    chosen = choose(shelf, each.uid.manufacturer, each.info.model, each.firmware)
    name = chosen.profile.name if chosen.profile else None
    if light is None:
        return Fit(each, None, name, chosen.said, chosen.next_step)
    set_up = light.profile.name
    if chosen.profile is not None and name != set_up:
        said = Text(
            f"{light.name} is set up as {set_up}, and is {name}.", f"{light.name} 配置为{set_up}，实际为{name}。"
        )
        what_next = Text(
            f'Set profile = "{name}" for {light.name} off air, then reload.',
            f'请在非直播时为 {light.name} 设置profile = "{name}"，然后重新加载。',
        )
        return Fit(each, light.name, name, said, what_next, wrong=True)
    if chosen.profile is not None and chosen.profile.match.firmware != light.profile.match.firmware:
        said = Text(
            f"{light.name} has firmware {chosen.firmware}; it is set up for another one.",
            f"{light.name} 的固件为{chosen.firmware}，当前配置适用于其他固件。",
        )
        what_next = Text(
            f'Set firmware = "{chosen.firmware}" for {light.name} off air, then reload.',
            f'请在非直播时为 {light.name} 设置firmware = "{chosen.firmware}"，然后重新加载。',
        )
        return Fit(each, light.name, name, said, what_next, wrong=True)
    if light.personality.footprint != each.info.footprint:
        slots, ours = each.info.footprint, light.personality.footprint
        said = Text(
            f"{light.name} is set up with {ours} slots, and takes {slots}.",
            f"{light.name} 配置为{ours}个通道，实际占用{slots}个。",
        )
        what_next = Text(
            "Choose the personality that the light is set to, or set the light to the configured one.",
            "请选择灯具当前的模式，或将灯具改为配置中的模式。",
        )
        return Fit(each, light.name, name, said, what_next, wrong=True)
    return Fit(
        each, light.name, name, chosen.said, chosen.next_step, wrong=chosen.firmware is not None and name is None
    )
