"""Far ends on real wires: a pseudo-terminal or UDP, and a device on it that answers as late and as often as told."""

import heapq
import os
import pty
import select
import socket
import termios
import threading
import time
import tty
from contextlib import suppress

from drivers.virtual.twins.lamps import framed


class Far:
    """``answers(heard)`` gives (seconds of delay, bytes) for what came in; the bytes are sent then. ``heard`` has
    every piece with its time."""

    def __init__(self, answers):
        self.answers = answers
        self.heard = []
        self.took = threading.Event()
        self._due = []
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        os.write(self._stopped, b"x")
        self._thread.join(10)
        os.close(self._stop)
        os.close(self._stopped)
        self.close()

    def questions(self, wanted, after=0, size=8):
        """How many of ``size`` bytes have come after so many bytes, as soon as there are as many as wanted: what was
        written is read when this thread has its turn, and two may be read at once."""
        until = time.monotonic() + 10.0
        while (count := (self.bytes - after) // size) < wanted and time.monotonic() < until:
            self.took.wait(0.05)
            self.took.clear()
        return count

    @property
    def bytes(self):
        return sum(len(data) for _, data in self.heard)

    def _run(self):
        with suppress(OSError):
            while True:
                rest = None if not self._due else max(0.0, self._due[0][0] - time.monotonic())
                ready, _, _ = select.select([self._stop, self.fileno()], [], [], rest)
                if self._stop in ready:
                    return
                if ready:
                    data = self.take()
                    self.heard.append((time.monotonic(), data))
                    self.took.set()
                    for order, (delay, answer) in enumerate(self.answers(data)):
                        heapq.heappush(self._due, (time.monotonic() + delay, order, answer))
                while self._due and self._due[0][0] <= time.monotonic():
                    self.give(heapq.heappop(self._due)[2])


class Terminal(Far):
    def __init__(self, answers):
        super().__init__(answers)
        self._device, self._port = pty.openpty()
        tty.setraw(self._port, termios.TCSANOW)
        self.name = os.ttyname(self._port)

    def fileno(self):
        return self._device

    def take(self):
        return os.read(self._device, 4096)

    def give(self, data):
        os.write(self._device, data)

    def close(self):
        os.close(self._device)
        os.close(self._port)


class Node(Far):
    """A lamp on UDP."""

    def __init__(self, answers):
        super().__init__(answers)
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._client = None

    def fileno(self):
        return self._socket.fileno()

    def take(self):
        data, self._client = self._socket.recvfrom(2048)
        return data

    def give(self, data):
        self._socket.sendto(data, self._client)

    def close(self):
        self._socket.close()


class Box:
    """A Modbus unit with registers, in a few lines of its own. ``late(count)``: seconds before its n-th answer."""

    def __init__(self, registers, late=lambda count: 0.0, spoil=lambda count, data: data):
        self.registers = dict(registers)
        self.late, self.spoil = late, spoil
        self.count = 0
        self._held = b""

    def __call__(self, data):
        self._held += data
        answers = []
        while len(self._held) >= 8:
            size = 9 + self._held[6] if self._held[1] == 16 else 8
            if len(self._held) < size:
                break
            question, self._held = self._held[:size], self._held[size:]
            if framed(question[:-2]) != question:
                continue
            delay = self.late(self.count)
            answers.append((delay, self.spoil(self.count, framed(self._answer(question)))))
            self.count += 1
        return answers

    def _answer(self, question):
        unit, function = question[0], question[1]
        address, second = int.from_bytes(question[2:4], "big"), int.from_bytes(question[4:6], "big")
        if function == 3:
            data = b"".join(self.registers.get(address + n, 0).to_bytes(2, "big") for n in range(second))
            return bytes((unit, 3, len(data))) + data
        if function == 6:
            self.registers[address] = second
        if function == 16:
            for n in range(second):
                self.registers[address + n] = int.from_bytes(question[7 + 2 * n : 9 + 2 * n], "big")
        return question[:6]


class Controller:
    """An ASCII controller in a few lines of its own: ``$`` done, ``&`` refused."""

    def __init__(self):
        self.levels = {}
        self.refuses = False

    def __call__(self, data):
        if len(data) != 8 or data[:1] != b"$":
            return []
        command, channel = data[1:2], int(data[2:3])
        if self.refuses:
            return [(0.0, b"&")]
        if command == b"3":
            self.levels[channel] = int(data[3:6], 16)
        if command != b"4":
            return [(0.0, b"$")]
        answer = b"$4%d%03X" % (channel, self.levels.get(channel, 0))
        total = 0
        for byte in answer:
            total ^= byte
        return [(0.0, answer + b"%02X" % total)]
