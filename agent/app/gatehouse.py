"""Who may command this agent: the configuration's keys, and the gate that goes by them."""

from collections.abc import Callable

import structlog

from agent.app.house import House
from agent.messaging.dispatch import Dispatcher
from agent.messaging.payloads import Audit
from agent.messaging.topics import Keep
from agent.messaging.trust.audit import Auditor
from agent.messaging.trust.file import NAME, TrustFile
from agent.messaging.trust.gate import Gate
from agent.messaging.trust.keys import Key, issuer_key
from agent.runtime.clock import synchronised
from config.problems import ConfigError
from config.trust import TrustSection

log = structlog.get_logger(__name__)


class Gatehouse:
    """The gate of an agent, with its memory on the agent's disk and its audit in the agent's outbox."""

    def __init__(self, agent: House, virtual: bool = False) -> None:
        """``virtual``: the studio's clock is its own, and nobody keeps it."""
        self._agent = agent
        trust, wall, mono = agent.config.trust, agent.host.wall, agent.host.now
        self.file = TrustFile(agent.config.agent.state_dir / NAME, trust.audit_records)
        self.auditor = Auditor(self.file, agent.on_disk, wall, self._ship)
        kept = (lambda: None) if virtual else synchronised
        self.gate = Gate(agent.topics, self.auditor, wall=wall, mono=mono, on_air=agent.on_air, synchronised=kept)
        self.use(trust)

    def use(self, trust: TrustSection) -> None:
        """Go by this from now on. A key that cannot be read keeps only its issuer out, and is said in the log."""
        keys: dict[str, Key] = {}
        for name, issuer in trust.issuers.items():
            try:
                key = issuer_key(issuer, f"trust.issuers.{name}")
            except ConfigError as error:
                log.error("trust.no-key", issuer=name, why=str(error), effect="its commands are refused")
            else:
                if key is not None:
                    keys[name] = key
        self.gate.use(trust, keys)
        self._agent.bus.set_trust(self.gate.mode)
        if self.gate.mode == "open":
            log.warning(
                "trust.open",
                effect="whoever the broker lets in may command this agent",
                next="list who may in [trust.issuers]; see docs/security.md",
            )

    def serve(self, dispatcher: Dispatcher) -> None:
        """Let it have the commands that come by the broker, and note what becomes of all of them."""
        self._agent.bus.serve(dispatcher)
        dispatcher.gate = self.gate
        dispatcher.publish_answer = self.gate.hears(dispatcher.publish_answer)

    def _ship(self, record: Audit, written: Callable[[], None]) -> None:
        bus = self._agent.bus
        bus.outbox.put(Keep.AUDIT, self._agent.topics.audit, bus.stamp.on(record).encode(), written)
