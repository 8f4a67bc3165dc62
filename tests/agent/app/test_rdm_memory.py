"""What RDM found last: kept, and not lost by a search that found less."""

from agent.app.rdm_memory import RdmFile, merged
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_discovery import Discovery, Oddity
from drivers.dmx.rdm_parameters import DeviceInfo, PersonalityDescription
from drivers.dmx.rdm_survey import Responder, Survey

A, B, C = (Uid(0x1234, number) for number in (1, 2, 3))


def device(uid: Uid, address: int) -> Responder:
    modes = (PersonalityDescription(1, 4, "16 bit"),)
    return Responder(uid, DeviceInfo(7, 9, 4, address=address), model="Lamp", firmware="1.2", personalities=modes)


def test_what_is_written_is_read_again(tmp_path):
    found = Survey(Discovery((A, B), odd={B: Oddity.NEVER_MUTES}), (device(A, 1), device(B, 5)))
    RdmFile(tmp_path).write({("widget", 1): found, ("node", 40000): Survey(Discovery((), complete=False))})
    again = RdmFile(tmp_path).read()
    assert again["widget", 1] == found
    assert not again["node", 40000].discovery.complete


def test_a_search_that_was_not_complete_makes_nobody_gone_and_a_silent_device_is_remembered():
    before = Survey(Discovery((A, B)), (device(A, 1), device(B, 5)))
    noisy = merged(before, Survey(Discovery((C,), complete=False), (device(C, 9),)))
    assert noisy.discovery.uids == (A, B, C) and len(noisy.responders) == 3
    silent = merged(before, Survey(Discovery((A, B)), (device(B, 50),), {A: "no answer"}))
    assert [(each.uid, each.info.address) for each in silent.responders] == [(A, 1), (B, 50)]
    assert merged(before, Survey(Discovery((B,)), (device(B, 5),))).discovery.uids == (B,)
