"""What stands in an engine's way: a folder with a long name, a socket that cannot be had, bytes that are no message."""

import asyncio
import contextlib
import pickle
import socket
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.engine.door import GUESTS
from agent.engine.messages import CRASH, LENGTH, SOCKET, WORD, Ask, Play, Unpacker, packed
from agent.engine.process import PAUSES
from agent.lighting.claims import Priority
from agent.lighting.part import Few
from tests.agent.engine.rooms import LIGHT, dimmers, engines, listener, sacn, side
from tests.processes import Child, end_engines
from tests.waiting import until

FEW = dimmers(4)
FULL = {"d1": {LIGHT: 1.0}}


@given(noise=st.binary(max_size=60), cuts=st.integers(1, 9))
@settings(max_examples=50)
def test_bytes_that_are_no_message_are_one_kind_of_error(noise, cuts):
    unpacker = Unpacker()
    data = packed("first") + LENGTH.pack(len(noise)) + noise
    heard = []
    try:
        for start in range(0, len(data), cuts):
            heard += unpacker.feed(data[start : start + cuts])
    except ValueError as error:
        assert "no message" in str(error)
    else:
        assert len(heard) == 2
        assert packed(heard[1])[LENGTH.size :] == noise if noise[:1] == b"\0" else heard[1] == pickle.loads(noise)
    assert heard[:1] == ["first"]


@given(fades=st.dictionaries(st.integers(0, 2**32 - 1), st.tuples(*[st.floats(allow_nan=False)] * 4), max_size=16))
@settings(max_examples=50)
def test_what_a_person_moves_arrives_as_it_was_sent_and_cut_it_is_an_error(fades):
    play = Play("net 灯", Few(fades), "patch")
    data = packed(play)
    assert data[LENGTH.size] == 0, "not by a pickle"
    assert list(Unpacker().feed(data)) == [play]
    with pytest.raises(ValueError, match="no message"):
        list(Unpacker().feed(LENGTH.pack(len(data) - LENGTH.size - 1) + data[LENGTH.size :]))
    long = Play("x" * 300, Few(fades))
    assert list(Unpacker().feed(packed(long))) == [long]


NOISES = (
    b"\xff" * 64,
    LENGTH.pack(3) + b"abc",
    LENGTH.pack(0),
    WORD[:-1] + b"?",
    WORD + LENGTH.pack(3) + b"abc",
    WORD + LENGTH.pack(1) + b".",
)


async def ended(reader):
    """The engine closes the connection, whatever of ours it has left unread."""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(30.0):
            await reader.read(-1)


async def test_bytes_that_are_no_message_end_a_connection_and_not_the_engine(tmp_path):
    with listener("127.0.71.61") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.61")}, FEW, FULL) as daemon:
            await daemon.ready()
            process = daemon.client.pid
            await daemon.vanish()
            for noise in NOISES:
                reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET)
                writer.write(noise)
                await ended(reader)
                writer.close()
            assert process in engines(tmp_path)
            async with side(tmp_path, {"net": sacn("127.0.71.61")}, FEW, FULL) as second:
                assert second.client.pid == process
                await second.ready()
                second.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.2}}, now=time.monotonic())
                await second.shown()
    assert {packet.slots[0] for packet in heard.packets} == {255}
    assert {(b.sequence - a.sequence) % 256 for a, b in pairwise(heard.packets[2:])} == {1}


async def test_whoever_connects_without_the_word_takes_nothing_from_the_daemon_that_plays(tmp_path):
    with listener("127.0.71.66") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.66")}, FEW, FULL) as daemon:
            await daemon.ready()
            silent = [await asyncio.open_unix_connection(tmp_path / SOCKET) for _ in range(GUESTS + 4)]
            for noise in NOISES[:4]:
                silent.append(await asyncio.open_unix_connection(tmp_path / SOCKET))
                silent[-1][1].write(noise)
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.2}}, now=time.monotonic())
            await daemon.shown()
            for reader, writer in silent:
                await ended(reader)  # nobody may sit there for ever
                writer.close()
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.4}}, now=time.monotonic())
            await daemon.shown()
            assert daemon.client.falls == 0 and {health.state for _, health in daemon.told} == {"ok"}
    assert {packet.slots[0] for packet in heard.packets} == {255} and heard.last()[1] == 102
    assert {(b.sequence - a.sequence) % 256 for a, b in pairwise(heard.packets[2:])} == {1}


async def test_a_lost_connection_to_an_engine_that_lives_is_made_again_and_no_output_is_opened_anew(tmp_path):
    with listener("127.0.71.67") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.67")}, FEW, FULL) as daemon:
            await daemon.ready()
            process, writer = daemon.client.pid, daemon.client._writer
            writer.write(LENGTH.pack(3) + b"abc")  # as if a bug of ours had garbled it
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.2}}, now=time.monotonic())  # said in vain
            await until(lambda: daemon.client._writer not in (writer, None))
            await daemon.shown()
            assert (daemon.client.pid, daemon.client.falls) == (process, 0)
    assert {packet.slots[0] for packet in heard.packets} == {255} and heard.last()[1] == 51
    assert {(b.sequence - a.sequence) % 256 for a, b in pairwise(heard.packets[2:])} == {1}


async def test_a_folder_whose_name_is_too_long_for_a_socket_has_an_engine_all_the_same(tmp_path):
    folder = tmp_path / ("a-studio-with-a-long-name-" * 4) / "state"
    folder.mkdir(parents=True)
    with listener("127.0.71.62") as heard:
        async with side(folder, {"net": sacn("127.0.71.62")}, FEW, FULL) as daemon:
            await daemon.ready()
            await until(lambda: heard.last()[:1] == b"\xff")
            assert daemon.client.falls == 0


async def test_engines_that_cannot_begin_follow_each_other_slowly_and_the_first_that_can_does(tmp_path):
    (tmp_path / SOCKET).mkdir()  # no socket can be had, as on a full disk
    log = tmp_path / "said"
    log.touch()

    def fallen():
        return log.read_text().count("Traceback")

    child = await asyncio.to_thread(Child, sys.executable, "-P", "-m", "agent.engine", tmp_path, log=log)
    try:
        await until(fallen)
        began = time.monotonic()
        await until(lambda: fallen() >= 4)
        assert time.monotonic() - began > sum(PAUSES[1:4]) - 0.1
        (tmp_path / SOCKET).rmdir()
        await until(lambda: (tmp_path / SOCKET).exists(), 30.0)
    finally:
        end_engines(tmp_path)
        await asyncio.to_thread(child.finish)


async def test_an_engine_that_cannot_be_started_is_tried_again(tmp_path):
    (tmp_path / CRASH).mkdir()  # cannot be opened for writing
    with listener("127.0.71.64") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.64")}, FEW, FULL) as daemon:
            await daemon.ready()
            await until(lambda: heard.last()[:1] == b"\xff")
        (tmp_path / CRASH).rmdir()


async def test_a_daemon_that_reads_no_more_does_not_keep_the_next_one_waiting(tmp_path):
    with listener("127.0.71.65") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.65")}, FEW, FULL) as first:
            await first.ready()
            process = first.client.pid
            await first.vanish()
            with socket.socket(socket.AF_UNIX) as stopped:
                await asyncio.to_thread(stopped.connect, str(tmp_path / SOCKET))
                await asyncio.to_thread(stopped.sendall, WORD)
                questions = b"".join(packed(Ask(n, "x" * 2000, "", (), 0.0)) for n in range(1000))
                await asyncio.to_thread(stopped.sendall, questions)  # their answers are more than a socket holds
                async with side(tmp_path, {"net": sacn("127.0.71.65")}, FEW, FULL) as second:
                    assert second.client.pid == process
                    await second.ready()
    assert {packet.slots[0] for packet in heard.packets} == {255}
