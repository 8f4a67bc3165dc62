"""The show's reference picture, in numbers, and what has become of the picture since. Pure but for load and save.

    pictures --portrait()--> numbers --take(): medians--> Baseline <--JSON, versioned--> file on this machine
                                |                            |
                                '-----------judge()----------'--> moved, defocus, noise, white-balance, over, under

It is taken on command, when the picture is as it should be. It holds a grey picture of 64 x 36 points, by which a
bumped camera is known; too coarse to recognise a face, but a picture: the file stays on the machine (mode 0600) and is
never published.

Lights that are moved on purpose are no fault of the picture: with ``lamps_moved`` colour and exposure are not judged.
Light that changes does not look like defocus or noise: sharpness is taken per contrast, without what noise adds to it.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any

import numpy as np

from drivers.base import Limits, Picture
from drivers.camera.faults import EASIER, Judged, PictureFault
from drivers.camera.light import Floats, channels, logs, white
from drivers.camera.metrics import COLUMNS, ROWS, noise, sharpness
from drivers.camera.shift import HEIGHT, WIDTH, Grey, Shift, compare, likeness, thumbnail

VERSION = 1
NOISE = Limits(warn=1.5, fail=2.5)
"""Times the baseline's noise (CAM-07)."""
SHARP = Limits(warn=0.7, fail=0.5, below=True)
"""Share of the baseline's sharpness (CAM-08)."""
COLOUR = Limits(warn=8.0, fail=15.0)
"""Mired from the baseline's white (CAM-09); 1 mired is about one just noticeable difference on the locus."""
TINT = 0.006
"""Duv from the baseline's white that counts like ``COLOUR.fail`` (the tolerance of ANSI C78.377)."""
MOVED = Limits(warn=1.0, fail=3.0)
"""Per cent of the width (CAM-10)."""
LEVEL = 1.0
"""Stops from the baseline's light, over or under."""
AGREED = 0.5
"""Share of the tiles that must have moved alike."""
MATCHED = 0.4
"""Median correlation below which the place the tiles moved to is a guess."""
STRANGE = 0.15
"""Median correlation below which the picture shows something else altogether, however it is turned."""
BOX = 256
"""Pixels across and down, in the middle, whose sharpness counts."""
UNKNOWN = -99.0
"""Stops: a zone that was too dark or clipped in the reference."""
FEWEST = 12
"""Zones that are needed to say anything of light or colour."""
QUIET = 0.5
"""Codes. Encoders smooth noise away; below this one is as good as another."""
ALIKE = 0.3
"""Likeness of the middle of the picture to the reference's below which its sharpness is that of something else: a
presenter who has left (another picture has 0.15 and less). Out of focus it is like itself: 0.8 and more where points
are blurred to 3 % of the picture's height."""
TINTS = (0.03, 0.25)
"""Stops, and share of the change, by which a zone's colour may differ from the usual change, and ..."""
MOST = 0.6
"""... share of the zones that must have changed alike for it to be the white balance, which changes all of them: a
sheet of paper held up to the lens changes what it covers, and may cover half of the picture."""
CONTRAST = 4.0
"""Laplacian variance below which the reference has no edges to be sharp."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One picture's numbers. ``grey``: HEIGHT x WIDTH codes; ``zones``: 3 x ROWS x COLUMNS (blue, green, red) of log2
    linear light, NaN where too dark or clipped; ``sharpness``: Laplacian variance (codes squared) of the presenter or
    the middle, ``noise``: codes; NaN where not known. ``level``: mean code of the picture, ``size``: width, height."""

    grey: Grey
    zones: Floats
    level: float
    sharpness: float
    noise: float
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The reference, as plain numbers. ``at``: when it was taken (ISO 8601)."""

    at: str
    size: tuple[int, int]
    grey: tuple[int, ...]
    zones: tuple[float, ...]
    level: float
    sharpness: float
    noise: float
    version: int = VERSION

    @property
    def picture(self) -> Grey:
        """HEIGHT x WIDTH."""
        return np.array(self.grey, np.uint8).reshape(HEIGHT, WIDTH)

    @property
    def portrait(self) -> Portrait:
        """The same as one picture's numbers."""
        light = np.where(self.light > UNKNOWN / 2, self.light, np.float32(np.nan))
        return Portrait(self.picture, light, self.level, self.sharpness, self.noise, self.size)

    @property
    def light(self) -> Floats:
        """3 x ROWS x COLUMNS, log2; UNKNOWN where nothing could be said."""
        return np.array(self.zones, np.float32).reshape(3, ROWS, COLUMNS)


def portrait(
    points: Picture,
    size: tuple[int, int],
    sharpness: float = math.nan,
    noise: float = math.nan,
    zones: Floats | None = None,
) -> Portrait:
    """The numbers of a picture of that width and height, of its ``metrics.points``. ``zones``: its linear light (3 x
    ROWS x COLUMNS) where it is known already. ValueError: too small to be compared."""
    light = logs(channels(points) if zones is None else zones)
    return Portrait(thumbnail(points), light, float(points[1].mean()), sharpness, noise, size)


def seen(pixels: Picture, points: Picture, before: Picture | None = None) -> Portrait:
    """The numbers of a picture, its ``metrics.points`` and those of the picture before (for the noise)."""
    height, width = pixels.shape[:2]
    wide, tall = min(BOX, width), min(BOX, height)
    middle = ((width - wide) // 2, (height - tall) // 2, wide, tall)
    grain = math.nan if before is None or before.shape != points.shape else noise(before, points)
    return portrait(points, (width, height), sharpness(pixels, middle), grain)


def take(pictures: Sequence[Portrait], at: str) -> Baseline:
    """The reference of some pictures in a row: medians, so that one of somebody's hand does not count."""
    if not pictures or len({each.size for each in pictures}) > 1:
        raise ValueError("a reference is taken of pictures of one size, at least one")

    def middle(name: str) -> float:
        known = [value for each in pictures if not math.isnan(value := float(getattr(each, name)))]
        return median(known) if known else math.nan

    grey = np.median([each.grey for each in pictures], axis=0).astype(np.uint8)
    zones = np.nan_to_num(np.median([each.zones for each in pictures], axis=0), nan=UNKNOWN)
    return Baseline(
        at=at,
        size=pictures[0].size,
        grey=tuple(grey.ravel().tolist()),
        zones=tuple(round(value, 4) for value in zones.ravel().tolist()),
        level=middle("level"),
        sharpness=middle("sharpness"),
        noise=middle("noise"),
    )


# --- comparing -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A picture against the reference. ``noise`` and ``sharpness``: ratios; ``mired``, ``duv``: differences; ``stops``:
    median over the zones. NaN where it cannot be said."""

    shift: Shift
    noise: float
    sharpness: float
    mired: float
    duv: float
    stops: float


def against(reference: Baseline, now: Portrait) -> Change:
    """Compare. ValueError: a picture of another shape."""
    width, height = reference.size
    if abs(now.size[0] * height / (now.size[1] * width) - 1) > 0.02:
        raise ValueError(f"the reference is of {width} x {height}, the picture is {now.size[0]} x {now.size[1]}")
    stops, mired, duv = _light(reference.light, now.zones)
    shift = compare(reference.picture, now.grey, height / width)
    same = now.size == reference.size  # decoded at another size, noise and edges are others
    # what is panned or zoomed changes from picture to picture as noise does; people move in a part of it only
    aside = shift.kept == 0 and (shift.far >= (MOVED.warn or 0.0) or shift.match < MATCHED)
    other = likeness(_middle(reference.picture, now.size), _middle(now.grey, now.size)) < ALIKE
    grain = max(now.noise, QUIET) / max(reference.noise, QUIET) if now.noise + reference.noise >= 0 else math.nan
    edges = _sharp(now) / _sharp(reference)
    return Change(
        shift=shift,
        noise=grain if same and not aside else math.nan,
        sharpness=edges if same and not other else math.nan,
        mired=mired,
        duv=duv,
        stops=stops,
    )


def judge(
    change: Change, named: Collection[PictureFault] = (), *, lamps_moved: bool = False
) -> Mapping[PictureFault, Judged]:
    """Which faults the change is. ``named``: those that are named now; ``lamps_moved``: lamps stand otherwise than in
    the reference, by command."""

    def past(fault: PictureFault, value: float, limit: float) -> bool | None:
        """At or above; a named one is over below EASIER of it."""
        return None if math.isnan(value) else value >= limit * (EASIER if fault in named else 1.0)

    shift = change.shift
    strange = shift.tiles > 0 and shift.match < STRANGE and shift.kept == 0
    told = shift.tiles > 0 and (shift.match >= MATCHED or shift.kept > 0)
    turned = shift.agree >= AGREED and shift.kept == 0
    moved = past(PictureFault.MOVED, shift.far if turned else 0.0, MOVED.fail or 0.0) if told else None
    colour = max(abs(change.mired) / (COLOUR.fail or 1.0), abs(change.duv) / TINT)
    found = {
        PictureFault.MOVED: Judged(
            True if strange else moved,
            {"shift_percent": shift.far, "right": shift.right, "down": shift.down, "match": shift.match},
        ),
        PictureFault.DEFOCUS: Judged(
            past(PictureFault.DEFOCUS, 1.0 / max(change.sharpness, 1e-3), 2.0), {"sharpness": change.sharpness}
        ),
        PictureFault.NOISE: Judged(past(PictureFault.NOISE, change.noise, NOISE.fail or 0.0), {"noise": change.noise}),
    }
    if lamps_moved:
        return found | dict.fromkeys((PictureFault.WHITE_BALANCE, PictureFault.OVER, PictureFault.UNDER), Judged(False))
    stops = {"stops": change.stops}
    return found | {
        PictureFault.WHITE_BALANCE: Judged(
            past(PictureFault.WHITE_BALANCE, colour, 1.0), {"mired": change.mired, "duv": change.duv}
        ),
        PictureFault.OVER: Judged(past(PictureFault.OVER, change.stops, LEVEL), stops),
        PictureFault.UNDER: Judged(past(PictureFault.UNDER, -change.stops, LEVEL), stops),
    }


def _light(before: Floats, now: Floats) -> tuple[float, float, float]:
    """Stops, mired and Duv from the reference: medians over the zones, so that what somebody wears does not count. No
    colour where the zones do not agree on one."""
    known = (before > UNKNOWN / 2).all(axis=0) & np.isfinite(now).all(axis=0)
    if known.sum() < FEWEST:
        return math.nan, math.nan, math.nan
    each = (now - before)[:, known]
    change = np.median(each, axis=1)
    tints, usual = each - each[1], change - change[1]
    alike = (np.abs(tints - usual[:, None]) <= TINTS[0] + TINTS[1] * np.abs(usual)[:, None]).all(axis=0)
    if alike.mean() < MOST:
        return float(change[1]), math.nan, math.nan
    old = np.exp2(np.median((before - before[1])[:, known], axis=1))
    new = old * np.exp2(change - change[1])
    (mired, duv), (mired_before, duv_before) = (white((float(c[2]), 1.0, float(c[0]))) for c in (new, old))
    return float(change[1]), mired - mired_before, duv - duv_before


def _middle(grey: Grey, size: tuple[int, int]) -> Grey:
    """The part of the grey picture whose sharpness is taken."""
    wide, tall = (max(8, round(side * min(BOX, of) / of)) for side, of in zip((WIDTH, HEIGHT), size, strict=True))
    left, top = (WIDTH - wide) // 2, (HEIGHT - tall) // 2
    return grey[top : top + tall, left : left + wide]


def _sharp(numbers: Portrait | Baseline) -> float:
    """Sharpness per contrast: noise adds 20 of its variance to the Laplacian's (1 + 1 + 1 + 1 + 16), and light scales
    all edges alike."""
    grain = 0.0 if math.isnan(numbers.noise) else numbers.noise
    edges = max(numbers.sharpness - 20 * grain**2, 0.0)
    if math.isnan(numbers.sharpness) or (isinstance(numbers, Baseline) and edges < CONTRAST):
        return math.nan
    return edges / max(numbers.level, 4.0) ** 2


# --- on disk ---------------------------------------------------------------------------------------------------------


def to_json(reference: Baseline) -> str:
    """NaN is written as null."""
    plain = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(reference).items()
    }
    return json.dumps(plain, allow_nan=False)


def from_json(text: str) -> Baseline:
    """ValueError, one clear sentence, for whatever is no reference of this version."""
    try:
        plain: Any = json.loads(text)
    except ValueError:
        raise ValueError("this is no reference picture: take it again") from None
    if not isinstance(plain, dict) or plain.get("version") != VERSION:
        raise ValueError(f"this is no reference picture of version {VERSION}: take it again")
    names = {each.name for each in fields(Baseline)}
    try:
        if plain.keys() != names:
            raise ValueError
        grey, zones, (width, height) = plain["grey"], plain["zones"], plain["size"]
        made = Baseline(
            at=str(plain["at"]),
            size=(int(width), int(height)),
            grey=tuple(int(code) for code in grey),
            zones=tuple(float(light) for light in zones),
            level=float(plain["level"]),
            sharpness=_number(plain["sharpness"]),
            noise=_number(plain["noise"]),
        )
        whole = len(made.grey) == WIDTH * HEIGHT and len(made.zones) == 3 * ROWS * COLUMNS
        if not whole or min(made.size) < 1 or min(made.grey) < 0 or max(made.grey) > 255:
            raise ValueError
        if not all(map(math.isfinite, (*made.zones, made.level))):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError("the reference picture is damaged: take it again") from None
    return made


def _number(plain: Any) -> float:
    return math.nan if plain is None else float(plain)
