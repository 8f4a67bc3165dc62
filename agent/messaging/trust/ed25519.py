"""Ed25519 (RFC 8032, 5.1) in plain Python: what there is to verify is public, so its running time tells nothing.

``sign`` is for the requester's side (``studio-agent send --key``): it is *not* constant in time, so sign with a library
where others can measure how long it takes. The agent itself never holds a secret key.

Points are extended coordinates ``(X, Y, Z, T)`` with ``x = X/Z``, ``y = Y/Z``, ``xy = T/Z``; formulas are those of RFC
8032, 5.1.4. Verifying is one interleaved double multiplication with odd multiples looked up (width 5 for the key, 7
for the base point).
"""

import hashlib
from functools import lru_cache

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
"""The order of the base point."""
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
"""A square root of -1."""

Point = tuple[int, int, int, int]
NOWHERE: Point = (0, 1, 1, 0)


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _double(p: Point) -> Point:
    a = p[0] * p[0] % P
    b = p[1] * p[1] % P
    c = 2 * p[2] * p[2] % P
    h = a + b
    e = h - (p[0] + p[1]) ** 2 % P
    g = a - b
    f = c + g
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _minus(p: Point) -> Point:
    return (P - p[0], p[1], p[2], P - p[3])


def _encode(p: Point) -> bytes:
    inverse = pow(p[2], -1, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(encoded: bytes) -> Point | None:
    """``None``: no point of the curve, or not its one encoding (5.1.3)."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if len(encoded) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


_BASE = _decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
assert _BASE is not None
BASE: Point = _BASE


def _odd_multiples(p: Point, width: int) -> list[Point]:
    twice = _double(p)
    found = [p]
    for _ in range(2 ** (width - 2) - 1):
        found.append(_add(found[-1], twice))
    return found


@lru_cache(maxsize=1)
def _base_multiples() -> list[Point]:
    return _odd_multiples(BASE, 7)


@lru_cache(maxsize=64)
def _key_multiples(public: bytes) -> list[Point] | None:
    """Odd multiples of minus the key; ``None`` for no key, or one of small order, for which anybody can sign."""
    point = _decode(public)
    if point is None or _encode(_double(_double(_double(point)))) == _encode(NOWHERE):
        return None
    return _odd_multiples(_minus(point), 5)


def _naf(number: int, width: int) -> list[int]:
    """Digits of the number, lowest first: zero or odd, and after each odd one ``width - 1`` zeros."""
    digits = []
    while number:
        digit = 0
        if number & 1:
            digit = number & (1 << width) - 1
            if digit >> (width - 1):
                digit -= 1 << width
            number -= digit
        digits.append(digit)
        number >>= 1
    return digits


def _both(s: int, k: int, minus_key: list[Point]) -> Point:
    """``[s]B + [k](-A)``."""
    total = NOWHERE
    rows = ((_naf(s, 7), _base_multiples()), (_naf(k, 5), minus_key))
    for place in range(max(len(digits) for digits, _ in rows) - 1, -1, -1):
        total = _double(total)
        for digits, multiples in rows:
            digit = digits[place] if place < len(digits) else 0
            if digit:
                point = multiples[abs(digit) >> 1]
                total = _add(total, point if digit > 0 else _minus(point))
    return total


def is_key(public: bytes) -> bool:
    """Whether these 32 bytes can be a public key."""
    return len(public) == 32 and _key_multiples(public) is not None


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed this (5.1.7, without cofactor; ``S`` below the order, one encoding only)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    multiples = _key_multiples(public)
    s = int.from_bytes(signature[32:], "little")
    if multiples is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return _encode(_both(s, k, multiples)) == signature[:32]


def _times(number: int) -> Point:
    return _both(number % L, 0, [])


def _expanded(secret: bytes) -> tuple[int, bytes]:
    if len(secret) != 32:
        raise ValueError(f"{len(secret)} bytes: a secret key has 32")
    digest = hashlib.sha512(secret).digest()
    number = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return number, digest[32:]


def public_of(secret: bytes) -> bytes:
    """The public key of a secret one (5.1.5). Raises ValueError when it has not 32 bytes."""
    return _encode(_times(_expanded(secret)[0]))


def sign(secret: bytes, message: bytes) -> bytes:
    """The signature (5.1.6). Raises ValueError when the key has not 32 bytes."""
    number, prefix = _expanded(secret)
    public = _encode(_times(number))
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    place = _encode(_times(r))
    k = int.from_bytes(hashlib.sha512(place + public + message).digest(), "little") % L
    return place + ((r + k * number) % L).to_bytes(32, "little")
