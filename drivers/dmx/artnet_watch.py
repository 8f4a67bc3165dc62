"""An Art-Net output's two sockets and what goes on at them beside the frames: polling, hearing replies, answering.

Frames and polls leave from a port of our own. UDP 6454 is held besides where nobody else on this machine has it, so
that controllers find us and nodes that answer to 6454 are heard; where somebody has it, he passes on what we need
(``artnet_answer``). Nothing here waits but :meth:`Watch.wait`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace

from drivers.dmx import artnet_codec as codec
from drivers.dmx import artnet_wire
from drivers.dmx.artnet_answer import PASSED_ON, REFUSED, Callers, Cards, command, is_ours, ourselves, programs
from drivers.dmx.artnet_codec import DiagData, Node, Poll
from drivers.dmx.artnet_nodes import GONE_AFTER, Nodes
from drivers.dmx.artnet_reply import ST_CONTROLLER
from drivers.errors import DriverError, LinkLost
from drivers.host import Datagram, Datagrams, Endpoint, Host

LOOK_EVERY = 0.025
"""Seconds between two looks for replies while frames go out: a look costs more than sending a frame."""
GLANCE = 0.005
MOST_AT_ONCE = 64
"""Datagrams read from a socket in one look, so that a flood of them does not hold the light up."""
WHOLE_ROUND = 1.2
"""Seconds within which all nodes have answered that wait for a random 0…1 s."""
ANSWERS = frozenset((artnet_wire.TOD_DATA, artnet_wire.RDM, artnet_wire.RDM_SUB))
"""What is kept for whoever asked by :meth:`Watch.send`."""
LOOPBACK: Endpoint = ("127.0.0.1", codec.PORT)
NOWHERE = "0.0.0.0"  # noqa: S104 - what a reply says that does not know its address


class Watch:
    """While an output is open. ``ask``: where polls go. ``nodes`` outlives it: a cable fault forgets no node."""

    def __init__(self, host: Host, nodes: Nodes, cards: Cards, ask: Callable[[], Iterable[str]], poll: Poll) -> None:
        self.nodes = nodes
        self.errors = 0
        """Datagrams that could not be sent."""
        self.refused = 0
        """Commands to us: the network does not set an output up."""
        self.closed = False
        self._host = host
        self._cards = cards
        self._ask = ask
        self._poll = poll.encode()
        self._callers = Callers(cards, _describe)
        self.look_at = 0.0
        """When :meth:`look` does something next."""
        self._asked: Endpoint = LOOPBACK
        self._answers: deque[Datagram] | None = None
        self.socket = host.udp(broadcast=True, stamps=False)
        self._port = hold_port(host)

    def close(self) -> None:
        self.closed = True
        for socket in (self.socket, self._port):
            if socket is not None:
                socket.close()

    def ask(self, now: float, *, must: bool = False) -> None:
        """Poll. ``must``: LinkLost without a network."""
        self._cards.keep_up(self._host, now)
        self.spread(self._poll, at(self._ask()), must=must)
        if self._port is None:
            self._port = hold_port(self._host)  # whoever had it may be gone
            if self.closed:
                self.close()
        if self._port is None:  # whoever has it shall know that we want the replies, too
            self.spread(self._poll, (LOOPBACK,))
        self.nodes.polled(now)

    def wait(self, begun: float, seconds: float, *, first: bool) -> None:
        """Hear replies for that long, or until the ``first``. ``close()`` from another thread ends it: LinkLost."""
        before = self.nodes.replies
        while (left := begun + seconds - self._host.now()) > 0:
            self._hear(min(GLANCE, left))
            if first and self.nodes.replies > before:
                return

    def look(self, now: float) -> bool:
        """Between frames: hear replies, ask again, answer. False: it was too soon to do anything."""
        if now < self.look_at:
            return False
        self.look_at = now + LOOK_EVERY
        self._hear(0.0)
        if now >= self.nodes.poll_due:
            self.ask(now)
        for packet, source in self._callers.replies(now):
            self.spread(packet, (source,), by=self._port)
        return True

    def spread(self, packet: bytes, to: Iterable[Endpoint], *, must: bool = False, by: Datagrams | None = None) -> None:
        """To several places; one that cannot be reached stops nothing. ``must``: raises when it went to none."""
        trouble: DriverError | None = None
        sent = False
        for target in to:
            try:
                (by or self.socket).send(packet, target)
                sent = True
            except DriverError as error:
                if self.closed:
                    raise
                trouble = error
                self.errors += 1
        if must and trouble and not sent:
            raise trouble

    def who(self, *, one: bool) -> tuple[float | None, list[Node]]:
        """Seconds to the slowest answer, and who answers. While frames go out nobody is asked anew and nothing waits;
        else it takes until the ``one`` has answered, or a whole round."""
        begun = self._host.now()
        if self.nodes.watched(begun):
            parts = self.nodes.online()
        else:
            before = self.nodes.replies
            self.ask(begun, must=True)
            self.wait(begun, GONE_AFTER if one else WHOLE_ROUND, first=one)
            parts = self.nodes.since(before)
        if not one:
            parts = [part for part in parts if part.node.outputs]  # a console that answers is no node
        return max((part.took for part in parts), default=None), [part.node for part in parts]

    def send(self, data: bytes | bytearray, to: Endpoint) -> float:
        """Ask a node something else (RDM); what it answers is kept from now on for :meth:`receive`."""
        self._asked, self._answers = to, deque(maxlen=MOST_AT_ONCE)
        return self.socket.send(data, to)

    def receive(self, timeout: float) -> Datagram | None:
        """The next ArtTodData, ArtRdm or ArtRdmSub, wherever it came in: at our port, at 6454, or passed on by whoever
        holds that. ``None`` after ``timeout`` seconds. LinkLost once closed."""
        until = self._host.now() + timeout
        while not self._answers:
            left = until - self._host.now()
            self._hear(min(GLANCE, max(0.0, left)))
            if left <= 0 and not self._answers:
                return None
        return self._answers.popleft()

    def _hear(self, wait: float) -> None:
        if self.closed:
            raise LinkLost("Art-Net was closed")
        for opened in (self._port, self.socket):
            left = MOST_AT_ONCE
            while opened is not None and left:
                datagram = opened.receive(wait if opened is self.socket else 0.0)
                if datagram is None:
                    break
                left -= 1
                wait = 0.0
                self._take(datagram, shared=opened is not self.socket)
            if not left:
                self.nodes.unheard(self._host.now())

    def _take(self, datagram: Datagram, *, shared: bool) -> None:
        """One datagram; ``shared``: it came to UDP 6454."""
        data, source, now = datagram.data, datagram.source, datagram.received
        opcode = artnet_wire.opcode_of(data)
        if opcode != codec.POLL and opcode not in PASSED_ON:
            if shared and command(data):
                self.refused += 1
                self._callers.answer(source, now, REFUSED)
            elif shared and programs(data):
                self.refused += 1
            return
        local = self._cards.local(source[0])
        packet = codec.decode(data)
        if isinstance(packet, Poll):
            if shared and not (local and source[1] == self.socket.local[1]):
                self._callers.polled(packet, source, now)
            return
        if shared:
            self.spread(data, self._callers.others_here(source, now), by=self._port)
        if opcode in ANSWERS and self._answers is not None:
            passed_on = local and source[1] == codec.PORT
            self._answers.append(replace(datagram, source=(self._asked[0], codec.PORT)) if passed_on else datagram)
        if isinstance(packet, Node) and not (local and is_ours(packet)):
            passed_on = local and packet.address != NOWHERE
            self.nodes.heard(packet, packet.address if passed_on else source[0], now)
        elif isinstance(packet, DiagData):
            self.nodes.told(packet, source[0], now)


def _describe(address: str, mac: str) -> list[Node]:
    """A controller without ports: universes listed as our inputs would have others send them to us."""
    return [ourselves(address, mac, "Art-Net output", ST_CONTROLLER)]


def at(names: Iterable[str]) -> tuple[Endpoint, ...]:
    """UDP 6454 of each."""
    return tuple((name, codec.PORT) for name in names)


def hold_port(host: Host) -> Datagrams | None:
    """UDP 6454, unless somebody on this machine has it: he would get no unicast any more, for the kernel gives that to
    the socket bound last."""
    try:
        host.udp(("", codec.PORT)).close()  # not to be shared: it fails where the port is taken at all
        return host.udp(("", codec.PORT), broadcast=True, stamps=False)
    except DriverError:
        return None


def poll(host: Host, seconds: float, address: str = "255.255.255.255") -> list[Node]:
    """The Art-Net nodes that answer within ``seconds``, one for each bind index. Raises LinkLost without a network."""
    with closing(Watch(host, Nodes(), Cards(()), lambda: (address,), Poll())) as watch:
        begun = host.now()
        watch.ask(begun, must=True)
        watch.wait(begun, seconds, first=False)
        return [part.node for part in watch.nodes.parts.values()]
