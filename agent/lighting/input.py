"""One input of the studio, as the daemon sees it: its table and who listens there."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from agent.lighting.console import Standing
from agent.lighting.ear import Ear
from agent.runtime.lane import Health
from config.model import InputSection
from drivers import registry
from drivers.base import Input
from drivers.host import Host


class Listening(Protocol):
    """Who listens, in this process or in the output engine's."""

    @property
    def name(self) -> str: ...
    @property
    def health(self) -> Health: ...
    @property
    def alive(self) -> bool: ...
    def start(self) -> None: ...
    def request_stop(self) -> None: ...
    def join(self) -> bool: ...


class InputUnit:
    """``driver``: made here only to be asked what it is; it is never opened here."""

    def __init__(self, name: str, section: InputSection, host: Host, seat: Callable[["InputUnit"], Listening]) -> None:
        spec = registry.find(section.driver)
        self.name = name
        self.section = section
        self.driver: Input = spec.make(spec.read(section.options, section.folder), host)
        usual = Standing(limited=section.limit, keeps=section.on_loss == "hold")
        self.standing = usual if section.over is None else replace(usual, over=section.over)
        self.lane = seat(self)


class Here:
    """An ear of this process; ``drop`` takes it out of hearing."""

    def __init__(self, ear: Ear, drop: Callable[[], Any]) -> None:
        self.name = ear.name
        self._ear = ear
        self._drop = drop

    @property
    def health(self) -> Health:
        return self._ear.lane.health

    @property
    def alive(self) -> bool:
        return self._ear.lane.alive

    def start(self) -> None:
        self._ear.lane.start()

    def request_stop(self) -> None:
        self._ear.lane.request_stop()

    def join(self) -> bool:
        ended = self._ear.lane.join()
        self._drop()
        return ended
