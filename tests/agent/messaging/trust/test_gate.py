"""Who gets through the gate."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.messaging.payloads import Answer
from agent.messaging.trust.keys import HmacKey, signed, signed_bytes
from tests.agent.messaging.trust.conftest import ARGUMENTS, DESK, LISTED, Post
from tests.waiting import until

Make = Callable[..., Post]
STOPS = ("lights.stop", "exposure.release", "exposure.set mode=watch", "selftest.cancel", "command.cancel")
ADMINS = ("lights.stop.reset", "config.propose", "config.apply", "config.rollback")


def iso(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat()


async def test_open_lets_everybody_do_all_but_what_is_the_admins(post: Make) -> None:
    agent = post()
    assert agent.gate.mode == "open"
    for case in ARGUMENTS:
        answer = await agent.send(case, case.replace(".", "").replace(" ", "").replace("=", ""))
        assert answer.code == ("forbidden" if case in ADMINS else None), (case, answer.message)


async def test_who_may_not_end_a_stop_from_afar_is_told_where_he_may(post: Make) -> None:
    agent = post()
    assert "it takes admin, ? is maintenance; or on the agent's own machine: studio-agent send --local" in str(
        (await agent.send("lights.stop.reset", "a")).message
    )
    assert "--local" not in str((await agent.send("config.apply", "b")).message)


async def test_anonymous_may_be_less(post: Make) -> None:
    agent = post(anonymous="viewer")
    assert (await agent.send("ping", "a")).state == "accepted"
    assert (await agent.send("lights.set", "b")).code == "forbidden"
    assert (await agent.send("lights.set", "c", origin="local")).state == "accepted"


async def test_with_issuers_nobody_else_is_heard(post: Make) -> None:
    agent = post(**LISTED)
    assert agent.gate.mode == "listed"
    for name, issuer in (("a", ""), ("b", "stranger"), ("c", "desk")):
        answer = await agent.send("ping", name, {"issuer": issuer})
        assert (answer.state, answer.code) == ("rejected", "untrusted"), issuer
    assert (await agent.send("lights.set", "d", key=DESK)).state == "accepted"
    assert (await agent.send("reload", "e", key=DESK)).code == "forbidden"
    assert (await agent.send("ping", "f", key=HmacKey(b"another secret of sixteen"))).code == "untrusted"


async def test_a_name_is_enough_where_the_file_says_so(post: Make) -> None:
    agent = post(issuers={"panel": {"role": "operator", "require": "name"}})
    assert (await agent.send("lights.set", "a", {"issuer": "panel"})).state == "accepted"
    assert (await agent.send("lights.set", "b", {"issuer": "other"})).code == "untrusted"


async def test_an_issuer_whose_key_could_not_be_read_is_refused(post: Make) -> None:
    agent = post(issuers={"lost": {"role": "admin", "key_file": "/nowhere"}})
    answer = await agent.send("ping", "a", {"issuer": "lost", "signature": "hmac-sha256:00"})
    assert answer.code == "untrusted" and answer.message is not None and "key cannot be read" in answer.message.en


async def test_another_dialect_is_an_issuer_by_its_own_name(post: Make) -> None:
    agent = post(issuers={"homeassistant": {"role": "operator", "require": "name"}})
    assert (await agent.send("lights.set", "a", origin="homeassistant")).state == "accepted"
    assert (await agent.send("lights.set", "b", {"issuer": "homeassistant"}, origin="sparkplug")).code == "untrusted"


async def test_the_control_socket_is_admin_and_needs_no_signature(post: Make) -> None:
    agent = post(anonymous="none")
    assert (await agent.send("reload", "a", origin="local")).state == "accepted"
    assert (await agent.send("reload", "b")).code == "untrusted"


# --- once, and fresh -------------------------------------------------------------------------------------------------


async def test_what_was_refused_to_its_issuer_cannot_be_brought_again_by_another(post: Make) -> None:
    agent = post(**LISTED)
    body = {"args": ARGUMENTS["identify"], "issuer": "desk"}
    whole = signed(body, DESK, now=agent.now, life=30.0, site="hall", agent="one", verb="identify", id="a")
    agent.air = True
    assert (await agent.raw("identify", "a", json.dumps(whole).encode())).code == "on-air"
    agent.air = False
    assert (await agent.raw("identify", "a", json.dumps(whole).encode())).code == "replayed"
    assert (await agent.send("identify", "b", key=DESK)).state == "accepted"


async def test_told_no_once_is_no_for_unsigned_ones_too(post: Make) -> None:
    agent = post()
    agent.air = True
    assert (await agent.send("identify", "a")).code == "on-air"
    agent.air = False
    agent.now += 3600.0
    assert (await agent.send("identify", "a")).code == "replayed"
    assert (await agent.send("identify", "b")).state == "accepted"


async def test_a_nonce_is_used_once(post: Make) -> None:
    agent = post(**LISTED)
    assert (await agent.send("ping", "a", {"nonce": "n"}, key=DESK)).state == "accepted"
    assert (await agent.send("ping", "b", {"nonce": "n"}, key=DESK)).code == "replayed"
    assert (await agent.send("ping", "c", {"nonce": "m"}, key=DESK)).state == "accepted"


async def test_what_was_decided_is_known_after_a_restart(post: Make, tmp_path: Path) -> None:
    body: dict[str, Any] = {"args": {}, "issuer": "desk"}
    first = post(tmp_path / "trust.sqlite", **LISTED)
    whole = signed(body, DESK, now=first.now, life=30.0, site="hall", agent="one", verb="reload", id="a")
    assert (await first.raw("reload", "a", json.dumps(whole).encode())).code == "forbidden"
    first.auditor.close()
    promoted = {"issuers": {"desk": {"role": "admin", "key_file": "/nowhere"}}}
    second = post(tmp_path / "trust.sqlite", **promoted)
    assert (await second.raw("reload", "a", json.dumps(whole).encode())).code == "replayed"


@pytest.mark.parametrize(
    ("late", "code"), [(-3600.0, "clock"), (-61.0, "clock"), (-59.0, None), (59.0, "expired"), (61.0, "expired")]
)
async def test_a_signed_command_is_fresh(post: Make, late: float, code: str | None) -> None:
    agent = post(**LISTED)
    whole = signed({"issuer": "desk"}, DESK, now=agent.now, life=30.0, site="hall", agent="one", verb="ping", id="a")
    agent.now += late
    assert (await agent.raw("ping", "a", json.dumps(whole).encode())).code == code


async def test_one_that_lives_long_is_old_after_the_window_all_the_same(post: Make) -> None:
    agent = post(**LISTED)
    whole = signed({"issuer": "desk"}, DESK, now=agent.now, life=9999.0, site="hall", agent="one", verb="ping", id="a")
    agent.now += 61.0
    assert (await agent.raw("ping", "a", json.dumps(whole).encode())).code == "expired"


@pytest.mark.parametrize("without", ["issued_at", "expires_at"])
async def test_a_signed_command_without_its_times_is_refused(post: Make, without: str) -> None:
    agent = post(**LISTED)
    body = {"issuer": "desk", "issued_at": iso(agent.now), "expires_at": iso(agent.now + 5)}
    del body[without]
    body["signature"] = DESK.sign(signed_bytes(body, "hall", "one", "ping", "a"))
    assert (await agent.raw("ping", "a", json.dumps(body).encode())).code == "untrusted"


async def test_a_clock_that_nobody_keeps_lets_only_stops_in(post: Make) -> None:
    agent = post(**LISTED)
    agent.clock = False
    for case in ARGUMENTS:
        name = case.replace(".", "").replace(" ", "").replace("=", "")
        agent.now += 400 * 86400.0  # whatever it says
        answer = await agent.send(case, name, key=DESK)
        stop = case in STOPS
        assert (answer.state, answer.code) == (("accepted", None) if stop else ("rejected", "clock")), case
    whole = signed(
        {"issuer": "desk"}, DESK, now=agent.now - 4e7, life=1, site="hall", agent="one", verb="selftest.cancel", id="x"
    )
    assert (await agent.raw("selftest.cancel", "x", json.dumps(whole).encode())).state == "accepted"
    assert (await agent.send("lights.set", "local", origin="local")).state == "accepted"


async def test_without_signature_and_expiry_the_clock_does_not_matter(post: Make) -> None:
    agent = post()
    agent.clock = False
    assert (await agent.send("lights.set", "a")).state == "accepted"
    assert (await agent.send("lights.set", "b", {"expires_at": iso(agent.now + 5)})).code == "clock"
    assert (await agent.send("lights.set", "d", {"expires_at": iso(agent.now - 5)})).code == "expired"
    agent.clock = True
    assert (await agent.send("lights.set", "c", {"expires_at": iso(agent.now + 5)})).state == "accepted"


# --- changed on the way ----------------------------------------------------------------------------------------------


async def decide(agent: Post, verb: str, name: str, body: bytes) -> Answer:
    return await agent.raw(verb, name, body)


@settings(max_examples=400)
@given(data=st.data())
async def test_a_changed_bit_anywhere_is_refused(data: st.DataObject) -> None:
    agent = Post(**LISTED)
    body = {"args": ARGUMENTS["lights.set"], "issuer": "desk", "reply_to": "studio/reply/desk"}
    whole = signed(body, DESK, now=agent.now, life=9.0, site="hall", agent="one", verb="lights.set", id="a")
    text = json.dumps(whole, separators=(",", ":")).encode()
    bit = data.draw(st.integers(0, len(text) * 8 - 1))
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    answer = await agent.raw("lights.set", "a", bytes(changed))
    assert answer.state == "rejected", changed
    assert agent.counting.effects == []
    assert (await agent.raw("lights.set", "a", text)).state == "accepted", "the one that was meant still gets in"
    agent.auditor.close()


@pytest.mark.parametrize(("verb", "name"), [("lights.release", "a"), ("lights.set", "b"), ("look.apply", "a")])
async def test_a_signature_is_that_of_one_topic(post: Make, verb: str, name: str) -> None:
    agent = post(**LISTED)
    whole = signed({"issuer": "desk"}, DESK, now=agent.now, life=9.0, site="hall", agent="one", verb="ping", id="a")
    assert (await agent.raw(verb, name, json.dumps(whole).encode())).code == "untrusted"
    for site, other in (("hall", "two"), ("attic", "one")):
        whole = signed({"issuer": "desk"}, DESK, now=agent.now, life=9.0, site=site, agent=other, verb="ping", id="a")
        assert (await agent.raw("ping", "a", json.dumps(whole).encode())).code == "untrusted"


# --- how often -------------------------------------------------------------------------------------------------------


async def test_who_asks_too_often_is_told_when_to_ask_again(post: Make) -> None:
    agent = post(rare=1.0)
    said = [(await agent.send("reload", f"r{n}")).code for n in range(12)]
    assert said == [None] * 10 + ["busy"] * 2
    last = agent.answers[-1].message
    assert last is not None and "again in 1 s" in last.en
    assert (await agent.send("ping", "p")).state == "accepted", "each verb has its own"
    agent.mono += 1.0
    assert (await agent.send("reload", "later")).state == "accepted"


async def test_a_stop_is_never_limited(post: Make) -> None:
    agent = post(live=1.0, rare=1.0)
    for n in range(300):
        assert (await agent.send("command.cancel", f"c{n}")).state == "accepted"


async def test_invented_names_share_one_allowance_and_no_memory(post: Make) -> None:
    agent = post(live=10.0)
    said = [(await agent.send("ping", f"p{n}", {"issuer": f"somebody-{n}"})).code for n in range(2000)]
    assert said == [None] * 20 + ["busy"] * 1980
    assert len(agent.gate._buckets) <= 3
    assert len(agent.gate._asking) == 0


async def test_forged_signatures_cost_their_issuer_no_stop(post: Make) -> None:
    agent = post(**LISTED)
    forger = HmacKey(b"a secret of the forger!!")
    for n in range(100):
        assert (await agent.send("ping", f"f{n}", key=forger)).code in ("untrusted", "busy")
    assert (await agent.send("ping", "a", key=DESK)).code == "busy"
    assert (await agent.send("command.cancel", "b", key=DESK)).state == "accepted"
    agent.mono += 1.0
    assert (await agent.send("ping", "c", key=DESK)).state == "accepted"


async def test_what_was_busy_cannot_be_brought_again(post: Make) -> None:
    agent = post(live=0.5, **LISTED)
    assert (await agent.send("ping", "a", key=DESK)).state == "accepted"
    whole = signed({"issuer": "desk"}, DESK, now=agent.now, life=30.0, site="hall", agent="one", verb="ping", id="b")
    assert (await agent.raw("ping", "b", json.dumps(whole).encode())).code == "busy"
    agent.mono += 10.0
    assert (await agent.raw("ping", "b", json.dumps(whole).encode())).code == "replayed"


async def test_what_was_busy_without_a_signature_cannot_be_brought_again_either(post: Make) -> None:
    """As a broker does that did not get the acknowledgement: it was told not to happen, so it must not."""
    agent = post(rare=1.0)
    for n in range(10):
        assert (await agent.send("reload", f"r{n}")).state == "accepted"
    assert (await agent.send("reload", "late")).code == "busy"
    agent.mono += 10.0
    assert (await agent.send("reload", "late")).code == "replayed"
    assert (await agent.send("reload", "new")).state == "accepted"


async def test_what_is_remembered_is_forgotten_when_age_alone_refuses_it(post: Make) -> None:
    agent = post(live=10_000.0, **LISTED)
    for n in range(500):
        agent.now += 1.0
        assert (await agent.send("ping", f"p{n}", key=DESK)).state == "accepted"
    assert len(agent.gate._seen) < 260


# --- later -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("air", "code"), [(False, None), (True, "on-air")])
async def test_for_later_the_air_is_asked_when_the_time_has_come(post: Make, air: bool, code: str | None) -> None:
    agent = post(**LISTED)
    agent.air = True
    later = {"args": ARGUMENTS["identify"], "issuer": "desk", "not_before": iso(agent.now + 8)}
    assert (await agent.send("identify", "a", later, key=DESK)).state == "accepted"
    now = {**later, "not_before": iso(agent.now - 1)}
    assert (await agent.send("identify", "b", now, key=DESK)).code == "on-air"
    assert (await agent.send("reload", "c", {"not_before": iso(agent.now + 8)}, key=DESK)).code == "forbidden"
    agent.air = air
    agent.now += 8.0
    end = await until(lambda: next((a for a in agent.answers if a.id == "a" and a.final), None))
    assert (end.code, agent.counting.effects) == (code, [] if code else [("identify", "a")])
    assert [r["issuer"] for r in agent.auditor._records if r["id"] == "a"] == ["desk", "desk"]
    agent.auditor._records.clear()
