"""What RDM found last: kept, and not lost by a search that found less."""

from agent.app.rdm_memory import Line, RdmFile, merged
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
    noisy = Line(Survey(Discovery((), complete=False)))
    RdmFile(tmp_path).write({("widget", 1): Line(found, 1.9e9, (device(C, 9),)), ("node", 40000): noisy})
    again = RdmFile(tmp_path).read()
    assert again["widget", 1] == Line(found, 1.9e9, (device(C, 9),))
    assert not again["node", 40000].survey.discovery.complete


def test_a_search_that_was_not_complete_makes_nobody_gone_and_a_silent_device_is_remembered():
    before = Line(Survey(Discovery((A, B)), (device(A, 1), device(B, 5))))
    noisy = merged(before, Survey(Discovery((C,), complete=False), (device(C, 9),)), 1.0)
    assert noisy.survey.discovery.uids == (A, B, C) and len(noisy.survey.responders) == 3 and not noisy.gone
    silent = merged(before, Survey(Discovery((A, B)), (device(B, 50),), {A: "no answer"}), 1.0)
    assert [(each.uid, each.info.address) for each in silent.survey.responders] == [(A, 1), (B, 50)]


def test_who_is_gone_stays_so_until_it_is_found_or_replaced():
    line = merged(Line(Survey(Discovery((A, B)), (device(A, 1), device(B, 5)))), Survey(Discovery(())), 1.0)
    assert [each.uid for each in line.gone] == [A, B]
    line = merged(line, Survey(Discovery((C,)), (device(C, 5),)), 2.0)
    assert [each.uid for each in line.gone] == [A], "B's address has another light now"
    line = merged(line, Survey(Discovery((A, C)), (device(A, 1), device(C, 5))), 3.0)
    assert line.gone == () and line.searched == 3.0
