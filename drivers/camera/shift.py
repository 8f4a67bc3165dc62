"""How far a camera has been moved: the shift of its picture against a small grey picture taken before. Pure.

    grey 64 x 36 --log, less its surroundings--> structure --24 tiles vote for each shift up to 12 %--> shift, agreement

Only structure is compared, never light: the logarithm turns a lamp's change into a sum, and what is taken away around
every point takes that sum with it. A presenter who walks about moves some tiles; a bumped camera moves all of them:
therefore tiles vote, each with one voice however strong its contrast. (One phase correlation of the whole picture
follows whoever has the strongest edges: it was 3 to 7 % off, median, where a third of the picture moved by itself.)

Before a plain wall it is the presenter who has the structure, and most of the tiles follow them. But a camera that was
moved leaves nothing where it was: so it is also counted in how many cells of the picture there still is what was there,
though the shift would show something else.

A little shift, of a point or two, leaves nearly all as it was, and is asked otherwise: does the shift explain what has
changed in a cell (half of what is left without it, or less), or does no shift explain it better? Each picture is moved
by half of it, so that both are as soft; what people do is explained by neither. That shift is found by what most of the
cells say, each of which counts the more, the better it is explained: within 0.15 % of the width, where the tiles are
0.3 % off or follow the presenter.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.base import Picture

WIDTH, HEIGHT = 64, 36
"""Points of the small grey picture: 1 % of the width is 0.64 points, found to about a fifth of a point."""
REACH = (4, 8)
"""Points down and right, either way, that are searched: 6 and 12 % of the width."""
TILES = (4, 6)
"""Down and across, of what stays in sight at every shift: 7 x 8 points each."""
FLOOR = 6.0
"""Codes added before the logarithm: below it there is noise, not structure."""
TEXTURE = 0.02
"""Root mean square of a tile's structure (natural logarithm) from which it can tell anything."""
FEWEST = 6
"""Tiles with structure that are needed to say anything at all."""
CELLS = (4, 8)
"""Down and across, of the whole picture: 9 x 8 points each."""
SAME = 0.02
"""Difference of structure (natural logarithm) that is none, and at least ..."""
ROUNDING = 1.2
"""... so many codes: two rounded pictures and what noise is left in the mean of ten points."""
TELLING = 3.0
"""Times that difference the shift must make to a point, for it to tell whether it moved."""
TELL = 8
"""Telling points a cell must have; if half of them are as they were, so is the cell."""
EXPLAINS = 0.5
"""Share of the difference without a shift that may be left with it, and the other way round."""
NEAR, STEPS, ENOUGH = 2.5, 5, 0.03
"""Points a little shift is at most (4 % of the width), steps to it, points of a step that is the last."""
DEAF = 0.05
"""Share of its structure a cell may leave unexplained and be heard in full."""
LIKE = 0.25
"""Share of a cell's structure by which it may differ and be the same, if two points of shift would make it another: of
pairs of different photographs no cell is."""
FAINT = 0.01
"""Root mean square of a cell's structure from which it is asked."""
Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shift:
    """``right``, ``down``: how far the picture's content has moved, in per cent of the picture's *width*; NaN where it
    cannot be said. ``agree``: share of the tiles with structure that fit better with the shift than without. ``match``:
    median correlation of those tiles at the shift, 1 = the same picture. ``tiles``: how many have structure. ``kept``:
    cells that show what they showed, at a place where the shift (or, without one, another picture) would show something
    else: of a moved camera, none. ``near``: right and down of the little shift that explains most of the cells,
    wherever the tiles went; ``follow``, ``stay``: cells whose change it explains, or no shift better. ``same``: cells
    that look as they did: of another picture, none."""

    right: float
    down: float
    agree: float
    match: float
    tiles: int
    kept: int = 0
    near: tuple[float, float] = (0.0, 0.0)
    follow: int = 0
    stay: int = 0
    same: int = 0

    @property
    def far(self) -> float:
        """Per cent of the width, whatever the direction."""
        return float(np.hypot(self.right, self.down))

    @property
    def nudge(self) -> float:
        """The same of the little shift."""
        return float(np.hypot(*self.near))


UNKNOWN = Shift(float("nan"), float("nan"), float("nan"), float("nan"), 0)


def thumbnail(points: Picture) -> Grey:
    """The small grey picture (HEIGHT x WIDTH) of ``metrics.points``. ValueError: too few of them."""
    _, rows, columns = points.shape
    if rows < HEIGHT or columns < WIDTH:
        raise ValueError(f"a picture of {columns} x {rows} points is too small to be compared ({WIDTH} x {HEIGHT})")
    down, right = _edges(rows, HEIGHT), _edges(columns, WIDTH)
    grey = points[1].astype(np.float32)  # green has most of the luminance, and least of the compression
    sums = np.add.reduceat(np.add.reduceat(grey, down[:-1], axis=0), right[:-1], axis=1)
    return np.asarray(np.rint(sums / (np.diff(down)[:, None] * np.diff(right))), np.uint8)


def compare(before: Grey, after: Grey, aspect: float = HEIGHT / WIDTH) -> Shift:
    """Where ``after`` shows what ``before`` showed. ``aspect``: the picture's height / its width.

    UNKNOWN when too little can be seen in the one before (dark, out of focus, a bare wall).
    """
    first, second = structure(before), structure(after)
    seen = _tiles(_inner(first) ** 2) >= TEXTURE**2
    tiles = int(seen.sum())
    if tiles < FEWEST:
        return UNKNOWN
    fits = _correlations(first, second)[..., seen]
    votes = (np.maximum(fits, 0.0) ** 2).sum(axis=-1)
    row, column = np.unravel_index(int(votes.argmax()), votes.shape)
    there, here = fits[row, column], fits[REACH[0], REACH[1]]
    down = _vertex(votes[:, column], int(row)) - REACH[0]
    right = _vertex(votes[row], int(column)) - REACH[1]
    below, beside = _near(first, second)
    follow, stay = _explained(first, second, below, beside)
    return Shift(
        right=right * 100.0 / WIDTH,
        down=down * 100.0 / HEIGHT * aspect,
        agree=float((there > here + 0.05).mean()),
        match=float(np.median(there)),
        tiles=tiles,
        kept=_kept(before, first, second, down, right),
        near=(beside * 100.0 / WIDTH, below * 100.0 / HEIGHT * aspect),
        follow=follow,
        stay=stay,
        same=int(_similar(first, second).sum()),
    )


def likeness(before: Grey, after: Grey) -> float:
    """How much of its structure a picture shares with the one before, -1...1: 0.78 and more while people move before a
    camera, 0.99 when only the light changes, 0.15 and less for another picture. Black shares nothing: 0."""
    one, other = structure(before), structure(after)
    one, other = one - one.mean(), other - other.mean()
    power = float((one * one).sum()) * float((other * other).sum())
    return float((one * other).sum()) / power**0.5 if power > 0 else 0.0


def structure(grey: Grey) -> Floats:
    """The picture's edges and surfaces without its light: logarithm less the mean of 9 x 9 around."""
    log = np.log(grey.astype(np.float32) + FLOOR)
    return np.asarray(log - _blurred(log, 4), np.float32)


def cells(values: Floats) -> Floats:
    """Sum of each of the CELLS."""
    down, right = CELLS
    sums: Floats = values.reshape(down, HEIGHT // down, right, WIDTH // right).sum(axis=(1, 3))
    return sums


def similar(before: Grey, after: Grey) -> npt.NDArray[np.bool_]:
    """Which of the CELLS have structure that tells where it is, and look as they did."""
    return _similar(structure(before), structure(after))


# --- inside ----------------------------------------------------------------------------------------------------------


def _edges(points: int, cells: int) -> npt.NDArray[np.intp]:
    return np.arange(cells + 1) * points // cells


def _blurred(values: Floats, reach: int) -> Floats:
    """Mean over (2 reach + 1) squared points; the border counts on."""
    side = 2 * reach + 1
    padded = np.pad(values, ((reach + 1, reach), (reach + 1, reach)), mode="edge")
    sums = padded.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    box = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(box / side**2, np.float32)


def _inner(values: Floats) -> Floats:
    """What stays in sight at every shift."""
    down, right = REACH
    return values[down : HEIGHT - down, right : WIDTH - right]


def _tiles(values: Floats) -> Floats:
    """Mean of each tile: ... x rows x columns -> ... x tiles."""
    rows, columns = values.shape[-2:]
    down, right = TILES
    cut = values.reshape(*values.shape[:-2], down, rows // down, right, columns // right)
    means: Floats = cut.mean(axis=(-3, -1)).reshape(*values.shape[:-2], down * right)
    return means


def _correlations(first: Floats, second: Floats) -> Floats:
    """Of every tile at every shift: (2 REACH + 1) down x right x tiles, -1...1."""
    one = _inner(first)
    other = np.lib.stride_tricks.sliding_window_view(second, one.shape)
    power = _tiles(one * one) * _tiles(other * other)
    return np.asarray(_tiles(other * one) / np.sqrt(np.maximum(power, TEXTURE**4)), np.float32)


def _kept(grey: Grey, first: Floats, second: Floats, down: float, right: float) -> int:
    """Cells in which there is what was there, and not what the shift (in points) would bring there; without a shift:
    and not just anything."""
    expected, inside = _shifted(first, down, right)
    if np.hypot(down, right) < 1:
        expected = np.zeros_like(first)
    same = np.maximum(np.float32(SAME), np.float32(ROUNDING) / (grey.astype(np.float32) + np.float32(FLOOR)))
    tells = (np.abs(expected - first) > TELLING * same) & inside
    stays = tells & (np.abs(second - first) < same)
    told, stayed = (cells(each.astype(np.float32)) for each in (tells, stays))
    return int(((told >= TELL) & (2 * stayed > told)).sum())


def _similar(first: Floats, second: Floats) -> npt.NDArray[np.bool_]:
    power, points = cells(first**2), HEIGHT * WIDTH // (CELLS[0] * CELLS[1])
    moved = np.maximum(*(cells((first - np.roll(first, 2, axis=axis)) ** 2) for axis in (0, 1)))
    alike: npt.NDArray[np.bool_] = cells((second - first) ** 2) < LIKE * power
    return alike & (power >= TEXTURE**2 * points) & (moved >= EXPLAINS * power)


def _near(first: Floats, second: Floats) -> tuple[float, float]:
    """The shift down and right (in points, up to NEAR) that explains most cells: least squares of what slopes make of
    it (Lucas, Kanade 1981), each cell with one voice, the less it explains the lower. From none on, in few steps."""
    down = right = 0.0
    for _ in range(STEPS):
        one, _inside = _shifted(first, down / 2, right / 2)
        other, _inside = _shifted(second, -down / 2, -right / 2)
        below, beside = (np.asarray(slope, np.float32) for slope in np.gradient(one + other))
        left = other - one
        power, rest = cells(one**2), cells(left**2)
        voice = np.where(power >= FAINT**2, 1 / (rest + DEAF * power + FAINT**2), 0)
        yy, yx, xx, y, x = (
            float((voice * cells(each)).sum())
            for each in (below * below, below * beside, beside * beside, below * left, beside * left)
        )
        bend = yy * xx - yx * yx
        if bend <= 0:
            break
        # slopes of a sum are twice those of a picture
        lower, farther = -2 * (xx * y - yx * x) / bend, -2 * (yy * x - yx * y) / bend
        down, right = (float(np.clip(each, -NEAR, NEAR)) for each in (down + lower, right + farther))
        if np.hypot(lower, farther) < ENOUGH:
            break
    return down, right


def _explained(first: Floats, second: Floats, down: float, right: float) -> tuple[int, int]:
    """Cells whose change the shift (in points) explains, and cells that no shift explains better."""
    one, inside = _shifted(first, down / 2, right / 2)
    moved, also = _shifted(second, -down / 2, -right / 2)
    still, _ = _shifted(second, down / 2, right / 2)
    seen = (inside & also).astype(np.float32)
    power, shifted, unmoved = (cells(seen * each**2) for each in (one, moved - one, still - one))
    asked = power >= FAINT**2 * np.maximum(cells(seen), 1)
    follow, stay = shifted < EXPLAINS * unmoved, unmoved < EXPLAINS * shifted
    return int((asked & follow).sum()), int((asked & stay).sum())


def _shifted(values: Floats, down: float, right: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The same moved by fractions of points, and which of them were in the picture before."""
    rows, columns = np.arange(HEIGHT) - down, np.arange(WIDTH) - right
    top = np.clip(np.floor(rows).astype(np.intp), 0, HEIGHT - 2)
    left = np.clip(np.floor(columns).astype(np.intp), 0, WIDTH - 2)
    below = np.clip(rows - top, 0, 1).astype(np.float32)[:, None]
    beside = np.clip(columns - left, 0, 1).astype(np.float32)
    lines = values[top] * (1 - below) + values[top + 1] * below
    moved: Floats = lines[:, left] * (1 - beside) + lines[:, left + 1] * beside
    inside = ((rows >= 0) & (rows <= HEIGHT - 1))[:, None] & (columns >= 0) & (columns <= WIDTH - 1)
    return moved, inside


def _vertex(line: Floats, at: int) -> float:
    """The top of the parabola through three neighbours; at the end of the line: the end."""
    if not 0 < at < len(line) - 1:
        return float(at)
    low, mid, high = (float(each) for each in line[at - 1 : at + 2])
    bend = low - 2 * mid + high
    return at + (0.5 * (low - high) / bend if bend < 0 else 0.0)
