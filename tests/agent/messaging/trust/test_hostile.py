"""Hostile messages: none is executed, none is uncaught. `./studio bench hostile` sends a million."""

from tests.hostile import Campaign

COUNT = 20_000


async def test_no_hostile_message_has_an_effect_or_goes_unanswered() -> None:
    campaign = Campaign(seed=20)
    await campaign.run(COUNT)
    assert campaign.executed == 0
    assert campaign.uncaught == 0
    assert campaign.acked == campaign.sent == COUNT
    assert sum(campaign.kinds.values()) == COUNT and min(campaign.kinds.values()) > COUNT / 50
    reached = {"untrusted", "malformed", "retained", "expired", "clock", "forbidden", "repeated", "too-large"}
    assert reached <= campaign.codes.keys(), "every line of defence was reached"
    assert "accepted" not in campaign.codes
