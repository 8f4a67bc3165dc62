"""What all steps of a commissioning say together: whether the camera can be trusted, and the light transport. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.exposure.commissioning import stillness
from agent.exposure.commissioning.instructions import Commissioned, Light, Terms
from agent.exposure.commissioning.refusals import Refusal, refuse
from agent.exposure.transport.matrix import Change, Mask, Series, Transport, delay_of, reach_of

LEAST_ZONES = 4
TAKEN = 0.05
"""Share of a step that a locked camera may seem to take back while it is looked at …"""
SURE = 4.0
"""… and standard deviations."""


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


def fighting(light: str, fell: stillness.Fall) -> Refusal:
    """The camera turned down what a light cannot have."""
    numbers = {"stops": round(fell.stops, 4), "sigma": round(fell.sigma, 4), "zones": fell.zones}
    return Refusal(refuse("auto-exposure", {"light": light, **numbers}))


def trust(seen: Mapping[str, Seen]) -> None:
    """Raises Refusal when the steps together show a camera that fights, however slowly: what it takes back is in
    proportion to what each step did, and that is not how clouds go by."""
    whole = stillness.pooled([each.fall for each in seen.values()])
    if whole.is_deep(stillness.FALLS / 2):
        raise fighting("", whole)
    effects = np.array([each.effect for each in seen.values()])
    relaxes = np.array([each.relaxes for each in seen.values()])
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
    chosen = stillness.reference(look, key, stillness.steady_over(means, still))
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
