"""What the agent says of itself: states for the board, numbers for telemetry. Reads everything, changes nothing."""

import math
import os
import resource
import time
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from agent.app.devices import Devices
from agent.app.keeper import as_sent
from agent.exposure.camera.watch import Sight
from agent.exposure.loop.service import ExposureNow
from agent.exposure.loop.state import Mode
from agent.exposure.loop.words import TRIPPED, reason
from agent.health.alerts import Alert, Stage
from agent.health.book import Silence
from agent.lighting.claims import Holder
from agent.lighting.masters import GRAND
from agent.lighting.rig import Rig
from agent.lighting.showfile import ShowFile
from agent.messaging import payloads
from agent.messaging.exposure_payloads import ExposureMove, ExposureState
from agent.messaging.header import Payload, Say, iso
from agent.messaging.topics import Topics
from agent.runtime import clock
from agent.runtime.lane import Health
from agent.uplink.probe import ProbeUnit
from config.model import StudioConfig
from config.units import CIE_SPAN, Attribute
from drivers.network.jitter import Window
from drivers.registry import Kind
from firmware_profiles.patch import Patched

Numbers = dict[str, float | int | None]
MODES = get_args(Mode)
"""By number, as telemetry has it."""


def inventory(
    config: StudioConfig,
    fixtures: Mapping[str, Patched],
    show: ShowFile,
    verbs: Mapping[str, Any],
    rates: Mapping[str, payloads.Rate],
) -> payloads.Inventory:
    """What there is and what can be asked of it."""
    return payloads.Inventory(
        fixtures=tuple(
            payloads.FixtureEntry(
                name=f.name,
                role=f.role,
                profile=f.profile.name,
                personality=f.mode,
                universe=None if f.bus else f.universe,
                address=None if f.bus else f.address,
                bus=f.bus,
                unit=f.unit if f.bus else None,
                channel=f.channel if f.bus else None,
                attributes=tuple(str(a) for a in f.personality.attributes),
                ranges={str(a): span for a, span in f.personality.ranges.items()},
            )
            for f in fixtures.values()
        ),
        devices=(
            *(payloads.DeviceEntry(kind="output", name=n, driver=s.driver) for n, s in config.outputs.items()),
            *(payloads.DeviceEntry(kind="input", name=n, driver=s.driver) for n, s in config.inputs.items()),
            *(payloads.DeviceEntry(kind="bus", name=n, driver=s.driver) for n, s in config.buses.items()),
            *(payloads.DeviceEntry(kind="camera", name=n, driver=s.driver) for n, s in config.cameras.items()),
            *(payloads.DeviceEntry(kind="probe", name=n, driver=s.driver) for n, s in config.probes.items()),
        ),
        groups={name: group.fixtures for name, group in config.groups.items()},
        looks=tuple(show.looks.all()),
        cues=tuple(show.lists.all()),
        exposure=config.exposure.camera if config.exposure else "",
        verbs=tuple(sorted(verbs)),
        telemetry=dict(rates),
    )


def lights(rig: Rig, devices: Devices, topics: Topics, now: float, ahead: float) -> Iterator[tuple[str, Payload]]:
    """The state of every light. While one fades its level is published as it passes; of one that a console has, or that
    comes back from it, what it was sent. ``ahead``: wall clock less
    monotonic, in seconds."""
    showing = as_sent({name: rig.scene.levels(name, now) for name in rig.fixtures}, rig.fixtures, devices.sent()[0])
    for name, fixture in rig.fixtures.items():
        holder = rig.holder(name)
        target = rig.scene.targets(name)
        since, kept = devices.desks.since(fixture), devices.desks.kept(fixture)
        health, reason = _carried(devices, fixture)
        yield (
            topics.state("fixture", name),
            payloads.FixtureState(
                levels=_rounded(showing[name]),
                target=_rounded(target),
                held_by=_holder(holder, ahead) if holder else None,
                console=devices.desks.of(fixture),
                console_since=None if since is None else iso(since + ahead),
                kept="" if kept is None else ", ".join(kept.sources),
                kept_since=None if kept is None else iso(kept.since + ahead),
                fade_remaining=round(max(0.0, rig.scene.arrives(name) - now), 1),
                health=health,
                reason=reason,
                measured=_measured(devices, fixture),
            ),
        )


def _holder(holder: Holder, ahead: float) -> payloads.Holder:
    until = None if holder.until is None else iso(holder.until + ahead)
    return payloads.Holder(owner=holder.owner, priority=holder.priority.name.lower(), until=until)


def together(rig: Rig) -> payloads.LightsState:
    """What is set for all lights together."""
    levels = {name: round(level, 3) for name, level in rig.masters.levels.items()}
    return payloads.LightsState(
        master=levels.pop(GRAND), submasters=levels, stopped_by=rig.stopped, blackout_by=rig.masters.blackout
    )


def device(health: Health) -> payloads.DeviceState:
    """The state of an output, a camera or a probe."""
    who = health.identity
    return payloads.DeviceState(
        health=health.state,
        reason=health.reason if health.state != "ok" else "",
        remedy=health.remedy if health.state != "ok" else "",
        model=who.model if who else "",
        firmware=who.firmware if who else "",
        serial=who.serial if who else "",
        details=dict(who.details) if who else {},
    )


def all_devices(
    devices: Devices, topics: Topics, only: tuple[Kind, str] | None = None
) -> Iterator[tuple[str, Payload]]:
    """The state of every output, camera and probe, or of one."""
    for kind, unit in devices.all():
        if only is not None and only != (kind, unit.name):
            continue
        name: Any = str(kind)
        yield topics.state(name, unit.name), device(unit.lane.health)


def exposure(state: ExposureNow, wall_minus_mono: float) -> ExposureState:
    """``wall_minus_mono`` turns the loop's times into the wall clock's."""
    move = state.move
    return ExposureState(
        mode=state.mode,
        target=state.target,
        error=None if state.ev is None else round(state.ev, 2),
        holding=bool(state.holding),
        reason=state.tripped or state.why,
        said=Say.of(TRIPPED.get(state.tripped) or reason(state.why)),
        advice=Say.of(state.advice) if state.advice else None,
        trims={name: round(trim, 2) for name, trim in (state.trims or {}).items()},
        out=state.out,
        move=ExposureMove(
            at=iso(move.at + wall_minus_mono),
            error=round(move.error, 3),
            lights={name: round(step, 3) for name, step in move.lights.items()},
            age_ms=round((move.at - move.captured) * 1e3, 1),
            began_at=iso(move.since + wall_minus_mono),
            began_with=round(move.began_with, 3),
        )
        if move is not None
        else None,
        probe=dict(state.evidence or {}),
        commissioned=state.commissioned,
        unreachable=Say.of(state.unreachable) if state.unreachable else None,
        coarse=Say.of(state.coarse) if state.coarse else None,
        white=None if state.white is None else round(state.white, 1),
    )


def alert(found: Alert, wall_minus_mono: float, by: str = "", silence: Silence | None = None) -> payloads.Alert:
    """``wall_minus_mono`` turns the alert's times into the wall clock's; ``by``: who looks after it."""
    condition = found.condition
    began = found.fired if found.fired is not None else found.since
    return payloads.Alert(
        key=found.key,
        level=condition.level.value,
        state="resolved" if found.stage is Stage.RESOLVED else "acknowledged" if by else "firing",
        since=iso(began + wall_minus_mono),
        value=None if condition.value is None else round(condition.value, 3),
        limit=condition.limit,
        unit=condition.unit,
        text=Say.of(condition.said),
        first=Say.of(condition.remedy),
        acknowledged_by=by,
        silenced_until=iso(silence.until) if silence else None,
        silenced_by=silence.by if silence else "",
        silenced_because=silence.reason if silence else "",
    )


# --- numbers -------------------------------------------------------------------------------------------------


def lighting_numbers(devices: Devices, now: float) -> Numbers:
    """The outputs' own beat, worst over all of them."""
    figures = [output.lane.figures(now) for output in devices.outputs.values()]
    return {
        "frames": sum(f.frames for f in figures),
        "frame_rate_hz": round(sum(f.rate for f in figures), 2),
        "late_p50_ms": round(max((f.late_p50_ms for f in figures), default=0.0), 3),
        "late_p99_ms": round(max((f.late_p99_ms for f in figures), default=0.0), 3),
        "widest_gap_ms": round(1e3 * max((f.widest_gap for f in figures), default=0.0), 1),
        "outputs_offline": sum(o.lane.health.state == "offline" for o in devices.outputs.values()),
    }


def exposure_numbers(sight: Sight, target: float, state: ExposureNow | None, now: float) -> Numbers:
    """One camera's picture; ``trim_stops`` and ``mode`` only where a loop looks through this camera."""
    m, light, flicker = sight.metrics, sight.insight.presenter_light, sight.insight.flicker
    numbers: Numbers = {
        "ev_stops": round(sight.ev(target), 3),
        "luminance": round(m.mean, 4),
        "log_mean": round(m.log_mean, 4),
        "median": round(m.median, 4),
        "p1_code": m.p1,
        "p50_code": m.p50,
        "p99_code": m.p99,
        "clipped_percent": round(m.clipped, 2),
        "crushed_percent": round(m.crushed, 2),
        "mired": round(m.mired, 1),
        "duv": round(m.duv, 4),
        "noise_codes": round(m.noise, 2),
        "sharpness": round(m.sharpness, 1),
        "presenter_stops": None if not light else round(math.log2(max(light, 1e-6) / target), 2),
        "flicker_hz": round(flicker.frequency, 2) if flicker else None,
        "flicker_contrast_percent": round(flicker.contrast, 2) if flicker else None,
        "age_ms": round((now - sight.captured) * 1e3, 1),
    }
    if state is not None:
        numbers |= {"trim_stops": round(state.trim, 3), "mode": MODES.index(state.mode)}
    return numbers


def network_numbers(probe: ProbeUnit) -> Numbers:
    """One probe: the newest round trip and the last minute; nothing but nulls while it does not measure."""
    measures = probe.lane.health.state == "ok"
    seen = probe.watch.statistics() if measures else Window().statistics()
    return {
        "rtt_ms": _number(probe.watch.latest) if measures else None,
        "rtt_p50_ms": _number(seen.p50),
        "rtt_p95_ms": _number(seen.p95),
        "rtt_max_ms": _number(seen.max),
        "jitter_ms": _number(seen.jitter),
        "loss_percent": _number(seen.loss),
        "outage_s": _number(seen.outage),
        "probes": seen.count,
        "lost": seen.lost,
    }


class HostNumbers:
    """CPU and memory of this process between two calls; the machine's clock."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._wall = time.monotonic()

    def read(self) -> Numbers:
        cpu, wall = time.process_time(), time.monotonic()
        share = 100.0 * (cpu - self._cpu) / max(wall - self._wall, 1e-6)
        self._cpu, self._wall = cpu, wall
        return {
            "cpu_percent": round(share, 1),
            "rss_mib": round(_rss() / 2**20, 1),
            "load_1m": os.getloadavg()[0],
        } | clock.numbers()


def _rss() -> float:
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - read each second: the cheap way
            return int(statm.read().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def _carried(devices: Devices, light: Patched) -> tuple[payloads.Health, str]:
    """A light is as well as the worst output that carries its universe, or as its bus finds it."""
    if light.bus:
        bus = devices.buses.get(light.bus)
        return bus.health(light.name) if bus is not None else ("starting", "")
    found = [o.lane.health for o in devices.outputs.values() if light.universe in o.section.universes]
    for state in ("offline", "starting"):
        for health in found:
            if health.state == state:
                return health.state, health.reason
    return "ok", ""


def _measured(devices: Devices, light: Patched) -> dict[str, payloads.Measured]:
    """What a light on a bus says of itself."""
    bus = devices.buses.get(light.bus)
    readings = bus.pump.lines[light.name].readings if bus is not None and light.name in bus.pump.lines else ()
    return {r.name: payloads.Measured(value=_number(r.value), unit=r.unit) for r in readings}


def _rounded(levels: Mapping[Attribute, float]) -> dict[Attribute, float]:
    return {a: round(v, 0 if a is Attribute.CCT else 4 if a in CIE_SPAN else 3) for a, v in levels.items()}


def _number(value: float) -> float | None:
    return None if value != value else round(value, 3)
