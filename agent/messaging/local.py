"""The control socket: the same commands without a broker, for whoever may open the socket file.

One JSON object a line. In: ``{"verb": "ping", "args": {}, "id": "…", "issuer": "…"}`` (all but the verb may be left
out). Out: the command's answers, each a line, the last one final. Then the next command may follow.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog

from agent.messaging.commands import MAX_BYTES, read_json
from agent.messaging.header import Say, Stamp
from agent.messaging.inbox import Commands
from agent.messaging.lifecycle import ReasonCode, Refusal, State
from agent.messaging.payloads import Answer
from agent.messaging.verbs import Request
from config.units import Text

log = structlog.get_logger(__name__)

NAME = "control.sock"
LONGEST = 107
"""Bytes in a Unix socket's path (sys/un.h)."""


class ControlSocket:
    """The listening end. ``health`` is empty or says why there is none; the agent runs on without it."""

    def __init__(self, path: Path, commands: Commands, stamp: Stamp) -> None:
        self.path = path
        self.health = ""
        self.listening = asyncio.Event()
        self._commands = commands
        self._stamp = stamp

    async def run(self) -> None:
        """Until cancelled."""
        try:
            listening = self._bound()
        except OSError as error:
            self.health = f"no control socket at {self.path}: {error}"
            log.error("control.unavailable", path=str(self.path), why=str(error))
            await asyncio.Event().wait()
            return
        open_ones: set[asyncio.StreamWriter] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_ones.add(writer)
            try:
                await self._serve(reader, writer)
            except (OSError, asyncio.CancelledError):
                pass
            except Exception:
                log.exception("control.fault")
            finally:
                open_ones.discard(writer)
                writer.close()

        server = await asyncio.start_unix_server(serve, sock=listening, limit=2 * MAX_BYTES)
        try:
            self.listening.set()
            log.info("control.listening", path=str(self.path))
            await asyncio.Event().wait()
        finally:
            self.listening.clear()
            server.close()
            for writer in tuple(open_ones):
                writer.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await server.wait_closed()
            self.path.unlink(missing_ok=True)

    def _bound(self) -> socket.socket:
        if len(os.fsencode(self.path)) > LONGEST:
            raise OSError(f"the path is longer than {LONGEST} bytes: choose a shorter agent.state_dir")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_socket():
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                try:
                    probe.connect(str(self.path))
                except OSError:
                    self.path.unlink()  # left by a crash: nobody answers
                else:
                    raise OSError("another agent answers there: one agent per agent.state_dir")
        listening = socket.socket(socket.AF_UNIX)
        old = os.umask(0o117)
        try:
            listening.bind(str(self.path))
        except BaseException:
            listening.close()
            raise
        finally:
            os.umask(old)
        return listening

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # longer than any command may be; where it ends is unknown
                said = Text(f"a line is at most {MAX_BYTES} bytes", f"每行最多 {MAX_BYTES} 字节")
                await self._write(writer, _refused(Refusal(ReasonCode.MALFORMED, said)))
                return
            if not line:
                return
            answers: asyncio.Queue[Answer] = asyncio.Queue()
            try:
                request = self._request(line, answers)
            except Refusal as refusal:
                await self._write(writer, _refused(refusal))
                continue
            await self._commands.receive(request)
            final = False
            while not final:
                answer = await answers.get()
                await self._write(writer, answer)
                final = answer.final

    def _request(self, line: bytes, answers: asyncio.Queue[Answer]) -> Request:
        found = read_json(line.strip())
        verb, known = str(found.pop("verb", "")), str(found.pop("id", "") or uuid4().hex)
        body = json.dumps(found).encode()  # the rest is an envelope, judged where all are judged
        return Request(verb, known, body, reply=lambda answer, _: answers.put_nowait(answer), origin="local")

    async def _write(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        writer.write(self._stamp.on(answer).encode() + b"\n")
        await writer.drain()


def _refused(refusal: Refusal) -> Answer:
    return Answer(id="", verb="", state=State.REJECTED, code=refusal.code, message=Say.of(refusal.message))


async def ask(
    path: Path, verb: str, args: Mapping[str, Any] | None = None, *, issuer: str = "shell", **more: Any
) -> AsyncIterator[Answer]:
    """Send one command over the control socket and yield its answers. Raises OSError when no agent listens there
    (FileNotFoundError, ConnectionRefusedError, PermissionError) or it ends in the middle (ConnectionResetError)."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 20)
    try:
        request = {"verb": verb, "args": dict(args or {}), "issuer": issuer, **more}
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        final = False
        while not final:
            line = await reader.readline()
            if not line:
                raise ConnectionResetError("the agent ended before the command did")
            answer = Answer.model_validate_json(line)
            final = answer.final
            yield answer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
