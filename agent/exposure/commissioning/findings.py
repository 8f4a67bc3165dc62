"""What all steps of a commissioning say together: whether the camera can be trusted, and the light transport. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.exposure.commissioning import stillness
from agent.exposure.commissioning.instructions import Commissioned, Light, Terms
from agent.exposure.commissioning.refusals import Refusal, refuse
from agent.exposure.transport.matrix import Change, Mask, Series, Transport, Zones, delay_of, reach_of
from config.units import Text

LEAST_ZONES = 4
DOUBTED = 0.15
"""Share of what all lights do together that may be missing: no camera's curve is known quite."""
DEEP = 0.02
"""Stops, likewise."""
TAKEN = 0.05
"""Share of a step that a locked camera may seem to take back while it is looked at …"""
SURE = 4.0
"""… and standard deviations."""
HARDLY = 0.1
"""Stops either way of the reference zones' light, below which a light is of no use to whoever regulates on them."""


@dataclass(slots=True)
class Seen:
    """What was seen of one light. ``sure``: standard deviations of its answer; ``waits``: (seconds, spread) of each
    fade; ``effect``: stops it did to the static zones (median), and ``relaxes``: what of that went by while it was
    looked at."""

    change: Change
    sure: float
    fall: stillness.Fall
    waits: list[tuple[float, float]]
    effect: float
    relaxes: float


@dataclass(frozen=True, slots=True)
class Joint:
    """What was seen of all lights at once. ``by``: how far each was moved; ``alike``: those that were moved just so
    when they were alone, too; ``rest``: the zones in the look."""

    seen: Seen
    by: Mapping[str, float]
    alike: Collection[str]
    rest: Zones


def fighting(light: str, fell: stillness.Fall) -> Refusal:
    """The camera turned down what a light cannot have."""
    numbers = {"stops": round(fell.stops, 4), "sigma": round(fell.sigma, 4), "zones": fell.zones}
    return Refusal(refuse("auto-exposure", {"light": light, **numbers}))


def together(joint: Joint, alone: Mapping[str, Seen], still: Mask) -> None:
    """Light adds up. Raises Refusal where all zones alike show less than what each light does alone adds up to: an
    automatic exposure that one light had not woken.

    What each light adds may differ from what it added alone where it was moved otherwise than there (its curve is not
    quite straight), in proportion to its own light in each zone; what a camera does is alike in all. The two are told
    apart by least squares over the zones, and where they cannot be, the answer is uncertain by all of it.
    """
    parts = np.stack([alone[name].change.response * by for name, by in joint.by.items()], axis=1)
    known = np.stack([alone[name].change.sigma * abs(by / alone[name].change.level) for name, by in joint.by.items()])
    level = joint.rest + parts.sum(axis=1)
    shown = joint.rest + joint.seen.change.light
    seen = np.flatnonzero(still & np.isfinite(level) & np.isfinite(shown) & (level > stillness.DIM))
    free = [at for at, name in enumerate(joint.by) if name not in joint.alike]
    if len(seen) < 2 * (LEAST_ZONES + len(free)):
        return
    sigma = np.sqrt((known**2).sum(axis=0) + joint.seen.change.sigma**2)[seen] / level[seen]
    off = np.log(np.maximum(shown[seen], 1e-6) / level[seen])
    shape = np.column_stack([np.ones(len(seen)), parts[seen][:, free] / level[seen, None]])
    weighted = shape / sigma[:, None]
    # a light's own share is taken to be right within its whole: that keeps the sums solvable, and decides nothing
    wide = np.diag([0.0] + [1.0] * len(free))
    spread = np.linalg.inv(weighted.T @ weighted + wide)
    found = spread @ (weighted.T @ (off / sigma))
    left = (off - shape @ found) / sigma
    doubt = math.sqrt(max(1.0, float(left @ left) / (len(seen) - shape.shape[1])) * float(spread[0, 0]))
    asked = float(np.median(np.log(level[seen] / np.maximum(joint.rest[seen], 1e-6))))
    missing = -float(found[0]) * math.copysign(1.0, asked)
    if missing > max(DOUBTED * abs(asked), DEEP * math.log(2), stillness.SURE * doubt):
        numbers = {"stops": round(missing / math.log(2), 4), "sigma": round(doubt / math.log(2), 4)}
        raise Refusal(refuse("auto-exposure", {"light": ", ".join(joint.by), **numbers}))


def trust(seen: Sequence[Seen]) -> None:
    """Raises Refusal when the steps together show a camera that fights, however slowly: what it takes back is in
    proportion to what each step did, and that is not how clouds go by."""
    whole = stillness.pooled([each.fall for each in seen])
    if whole.is_deep(stillness.FALLS / 2):
        raise fighting("", whole)
    effects = np.array([each.effect for each in seen])
    relaxes = np.array([each.relaxes for each in seen])
    power = float(effects @ effects)
    if len(effects) < 3 or power <= 0:
        return
    taken = -float(effects @ relaxes) / power
    left = relaxes + taken * effects
    sigma = math.sqrt(float(left @ left) / (len(effects) - 1) / power)
    if taken > max(TAKEN, SURE * sigma):
        raise Refusal(refuse("auto-exposure", {"taken_back": round(taken, 3), "sigma": round(sigma, 3)}))


def conclude(
    lights: Sequence[Light],
    terms: Terms,
    seen: Mapping[str, Seen],
    rests: list[Series],
    still: Mask,
    drift: float,
    gain: float | None,
) -> Commissioned:
    """``rests``: the pictures of the look before, between and after the steps. Raises Refusal."""
    waits = [wait for each in seen.values() for wait in each.waits]
    delay = delay_of(waits, 1 / terms.rate)
    if delay is None:
        raise Refusal(refuse("no-delay", {"seconds": ", ".join(f"{seconds:.2f}" for seconds, _ in waits)}))
    matrix = np.stack([seen[light.name].change.response for light in lights], axis=1)
    levels = np.array([light.look for light in lights])
    means = np.stack([rest.mean for rest in rests])
    look = means.mean(axis=0)
    gives = matrix * levels
    keys = [at for at, light in enumerate(lights) if light.key and light.look > 0]
    whole = np.nansum(gives, axis=0)
    key = gives[:, keys].sum(axis=1) if keys else gives[:, int(np.argmax(whole))]
    known = np.isfinite(matrix).all(axis=1)  # a zone that was clipped while a light was stepped tells the loop nothing
    chosen = stillness.reference(look, key, stillness.steady_over(means, still) & known)
    if chosen.sum() < LEAST_ZONES:
        raise Refusal(refuse("no-reference", {"zones": int(chosen.sum())}))
    ambient = look - matrix @ levels
    transport = Transport(
        camera=terms.camera,
        at=terms.at,
        fixtures=tuple(light.name for light in lights),
        matrix=matrix,
        ambient=ambient,
        noise=stillness.noise_over(rests),
        reference=chosen,
        delay=delay,
        reach=reach_of(matrix, ambient, chosen, levels, [(light.low, light.high) for light in lights]),
        controls=terms.controls,
        mired_gain=gain,
    )
    late = {
        name: float(np.median([seconds for seconds, _ in each.waits])) - delay.seconds
        for name, each in seen.items()
        if each.waits
    }
    return Commissioned(transport, stillness.flatness(look, chosen), drift, late)


def hardly(spans: Mapping[str, tuple[float, float]]) -> Text | None:
    """Said of lights that answer, and answer where nobody regulates. ``spans``: stops down and up, by light."""
    names = [name for name, (down, up) in spans.items() if max(-down, up) < HARDLY]
    if not names:
        return None
    en, zh = ", ".join(names), "、".join(names)
    return Text(
        f"The loop has little use of {en}: less than {HARDLY:g} stop of the reference zones' light either way.",
        f"{zh} 对自动补光作用很小：对基准区域的影响不足 {HARDLY:g} 档。",
    )
