"""The pure parts: policy, canonical JSON, Ed25519, keys, buckets."""

import json
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.messaging.commands import ARGS
from agent.messaging.trust import ed25519
from agent.messaging.trust.buckets import Buckets, Rate
from agent.messaging.trust.canonical import SAFE, canonical
from agent.messaging.trust.keys import Ed25519Key, HmacKey, issuer_key, signer
from agent.messaging.trust.policy import POLICY, Pace, Role, row_of
from config.problems import ConfigError
from config.trust import IssuerSection

# --- policy ----------------------------------------------------------------------------------------------------------


def test_every_verb_has_a_row_and_every_row_a_verb() -> None:
    assert {row.verb for row in POLICY} == ARGS.keys(), "a new command needs a row in policy.py: least role, pace"
    for verb in ARGS:
        last = [row for row in POLICY if row.verb == verb][-1]
        assert not last.when, f"{verb}: its last row must fit every case"
        assert row_of(verb, {}) is not None


def test_what_stands_nowhere_is_nobodys() -> None:
    assert row_of("lights.explode", {}) is None


def test_cases_name_arguments_that_the_verb_has() -> None:
    for row in POLICY:
        assert row.when.keys() <= ARGS[row.verb].model_fields.keys(), row.case


def test_on_air_never_takes_less_than_off_air() -> None:
    for row in POLICY:
        assert row.on_air is None or (row.off_air is not None and row.on_air.covers(row.off_air)), row.case


def test_a_stop_is_only_what_ends_or_holds() -> None:
    assert {row.case for row in POLICY if row.stops} == {
        "lights.stop",
        "exposure.release",
        "exposure.set mode=watch",
        "selftest.cancel",
        "command.cancel",
    }
    watch = row_of("exposure.set", {"mode": "watch"})
    assert watch is not None and watch.stops
    for args in ({"mode": "watch", "target": 0.9}, {"mode": "hold"}, {"mode": True}, {}):
        row = row_of("exposure.set", args)
        assert row is not None and row.pace is Pace.LIVE, args


def test_roles_include_those_before_them() -> None:
    assert [[high.covers(low) for low in Role] for high in Role] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


# --- canonical JSON --------------------------------------------------------------------------------------------------

# RFC 8785, appendix B: IEEE 754 bits and the text that ECMAScript gives them
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_the_paper_says(bits: str, text: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text.encode()


def test_keys_and_strings_are_written_as_the_paper_says() -> None:
    # RFC 8785, 3.2.3: sorted by UTF-16 code units, in which the smiley comes before the Hebrew ligature
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical(keys)).values()) == [2, 4, 6, 7, 1, 5, 3]
    # 3.2.2.2
    said = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    assert canonical(said) == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'
    assert canonical([56, {"d": True, "10": None, "1": []}]) == b'[56,{"1":[],"10":null,"d":true}]'


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53 + 1, -(2**53) - 1, 10**400, "\ud800", {1: 2}, b"", [{"a": {1}}]]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_canonical_form_means_the_same_and_is_its_own(value: object) -> None:
    once = canonical(value)
    assert json.loads(once, parse_int=float) == value, "every number is a double, as in other languages"
    assert canonical(json.loads(once)) == once


# --- Ed25519 ---------------------------------------------------------------------------------------------------------

# RFC 8032, 7.1: secret, public, message, signature
VECTORS = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)


@pytest.mark.parametrize("vector", VECTORS)
def test_ed25519_does_what_the_paper_says(vector: tuple[str, str, str, str]) -> None:
    secret, public, message, signature = map(bytes.fromhex, vector)
    assert ed25519.public_of(secret) == public
    assert ed25519.sign(secret, message) == signature
    assert ed25519.verify(public, message, signature)


@settings(max_examples=60)
@given(st.integers(0, 511), st.integers(0, 2))
def test_a_changed_bit_of_an_ed25519_signature_is_found(bit: int, which: int) -> None:
    _, public, message, signature = map(bytes.fromhex, VECTORS[which])
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not ed25519.verify(public, message, bytes(changed))


def test_second_spellings_and_keys_that_anybody_can_sign_for_are_refused() -> None:
    _, public, message, signature = map(bytes.fromhex, VECTORS[1])
    s = int.from_bytes(signature[32:], "little") + ed25519.L  # the same number, above the order
    assert not ed25519.verify(public, message, signature[:32] + s.to_bytes(32, "little"))
    small_order = [bytes([1]) + bytes(31), bytes(32), bytes.fromhex("ecff" + "ff" * 29 + "7f")]
    assert [ed25519.is_key(key) for key in small_order] == [False] * 3
    assert not ed25519.verify(small_order[0], message, small_order[0] + bytes(32))
    assert not ed25519.is_key(bytes([2]) + bytes(31)), "no point of the curve has this y"
    assert not ed25519.is_key(b"\xff" * 32), "not below the prime"


def test_openssl_and_we_understand_each_other(tmp_path: Path) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    openssl("genpkey", "-algorithm", "ed25519", "-out", "desk.pem")
    openssl("pkey", "-in", "desk.pem", "-pubout", "-out", "desk.pub")
    (tmp_path / "desk.pem").chmod(0o600)
    (tmp_path / "said").write_bytes(b"lights")
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", "desk.pem", "-in", "said", "-out", "theirs")
    key = issuer_key(IssuerSection(role="admin", public_key_file=tmp_path / "desk.pub"), "t")
    assert key is not None
    assert key.verify(b"lights", f"ed25519:{(tmp_path / 'theirs').read_bytes().hex()}")
    ours = signer(tmp_path / "desk.pem").sign(b"lights")
    assert key.verify(b"lights", ours) and not key.verify(b"light", ours)
    (tmp_path / "ours").write_bytes(bytes.fromhex(ours.partition(":")[2]))
    openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "desk.pub", "-in", "said", "-sigfile", "ours")


# --- keys ------------------------------------------------------------------------------------------------------------


def test_hmac_is_that_of_rfc_4231() -> None:
    key = HmacKey(b"\x0b" * 20)  # 4.2
    assert key.sign(b"Hi There") == ("hmac-sha256:b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")


def test_a_signature_has_one_spelling() -> None:
    public, message, signature = VECTORS[1][1], bytes.fromhex(VECTORS[1][2]), VECTORS[1][3]
    key = Ed25519Key(bytes.fromhex(public))
    assert key.verify(message, f"ed25519:{signature}")
    for other in (f"ED25519:{signature}", f"ed25519:{signature.upper()}", f"ed25519: {signature}", signature, "", "é"):
        assert not key.verify(message, other)
        assert not HmacKey(b"x" * 32).verify(message, other)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("in-brief", 0o600, "too short"),
        ("-----BEGIN PUBLIC KEY-----\nxxxx\n-----END PUBLIC KEY-----", 0o600, "too short for a secret, or a key"),
        ("0123456789abcdef0123", 0o640, "chmod 600"),
        ("", 0o600, "holds no secret"),
    ],
)
def test_a_secret_that_is_none_is_refused_without_telling_it(
    tmp_path: Path, content: str, mode: int, said: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(ConfigError) as found:
        issuer_key(IssuerSection(role="operator", key_file=file), "trust.issuers.desk")
    assert said in str(found.value) and "trust.issuers.desk.key_file" in str(found.value)
    assert not content or content not in str(found.value)


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "no key",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----",
        f"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQ{'A' * 41}=\n-----END PUBLIC KEY-----",  # of small order
    ],
)
def test_a_public_key_that_is_none_is_refused(tmp_path: Path, pem: str) -> None:
    (tmp_path / "key").write_text(pem)
    with pytest.raises(ConfigError, match="is no Ed25519 public key"):
        issuer_key(IssuerSection(role="operator", public_key_file=tmp_path / "key"), "t")


# --- buckets ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1, 3), max_size=200), st.floats(0.5, 50), st.integers(1, 20))
def test_no_more_passes_than_rate_and_burst_allow(steps: list[float], each: float, burst: int) -> None:
    bucket = Buckets().of(Rate(each, burst), 100.0, "x")
    now = 100.0
    passed = 0
    for step in steps:
        now += step
        passed += bucket.take(now) == 0.0
    forward = sum(max(0.0, step) for step in steps)
    assert passed <= burst + forward * each + 1e-6


def test_the_wait_that_is_told_is_the_wait() -> None:
    bucket = Buckets().of(Rate(2.0, 1.0), 0.0, "x")
    assert bucket.take(0.0) == 0.0
    assert bucket.take(0.0) == pytest.approx(0.5)
    assert bucket.take(0.499) > 0.0
    assert bucket.take(0.5) == 0.0
