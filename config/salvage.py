"""What a faulty configuration still says, so that the floors above find *their* faults in the same run.

A fault takes away as little as it can: the value alone, not its table. A required key that has to go gets a stand-in,
so the result is a whole StudioConfig; ``lost`` names every key whose value is not what the file says. A table under a
misspelt name is looked at under the name that was meant.
"""

import copy
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import BaseModel

from config.check import Place, dotted, inspect, kind_at
from config.forms import plain_name
from config.model import StudioConfig
from config.problems import Problem

Fault = tuple[Place, Problem]

_ROUNDS = 12
"""A key goes, its stand-in comes, then tables and sections: each a round, more only for what cannot be saved."""


def touches(lost: Collection[Place], *place: str | int) -> bool:
    """Whether what the file says at ``place`` is not wholly known: it, or something around it or in it, is lost."""
    return any(place[: len(one)] == one[: len(place)] for one in lost)


@dataclass
class Salvage:
    """``more``: faults that only showed when others were out of the way. ``written``: a place under the name that was
    meant → the same place as it stands in the file, the outermost first."""

    data: dict[str, Any]
    context: Mapping[str, Any]
    config: StudioConfig | None = None
    lost: set[Place] = field(default_factory=set)
    more: list[Fault] = field(default_factory=list)
    written: dict[Place, Place] = field(default_factory=dict)
    _stood: set[Place] = field(default_factory=set)

    def run(self, faults: Sequence[Fault]) -> "Salvage":
        """Take the faults out until the rest is a configuration (or nothing is left: ``config`` stays None)."""
        told = {dotted(place) for place, _ in faults}
        for _ in range(_ROUNDS):
            # From the end of a list to its beginning: what goes must not move what is still to go.
            for place, _problem in sorted(faults, key=_order, reverse=True):
                while place in self._stood:  # its stand-in did not do
                    place = place[:-1]
                self._mend(place)
            self.config, faults = inspect(StudioConfig, self.data, self.context)
            if self.config is not None:
                return self
            new = [(p, fault) for p, fault in faults if dotted(p) not in told and not self._follows(p, fault)]
            told |= {dotted(place) for place, _ in new}
            self.more += [(place, fault._replace(where=self.as_written(fault.where))) for place, fault in new]
        return self

    def as_written(self, where: str) -> str:
        """The dotted path as it stands in the file."""
        for meant, place in reversed(self.written.items()):
            if where == dotted(meant) or where.startswith((f"{dotted(meant)}.", f"{dotted(meant)}[")):
                where = dotted(place) + where.removeprefix(dotted(meant))
        return where

    def _follows(self, place: Place, fault: Problem) -> bool:
        """Whether the fault is no other than what was taken out for one that was told."""
        if any(place[: len(one)] == one for one in self.lost):
            return True
        value = _value(self.data, place)
        inside = [one for one in self.lost if one[: len(place)] == place and len(one) > len(place)]
        if isinstance(value, list):
            return bool(inside) and not value
        # Our validators of whole tables name the keys that they compare.
        words = set(re.findall(r"[a-z_]+", f"{fault.why} {fault.right}"))
        return any(str(one[len(place)]) in words for one in inside)

    def _mend(self, place: Place) -> None:
        owner, value = _value(self.data, place[:-1]), _value(self.data, place)
        if isinstance(owner, list) and isinstance(place[-1], int):
            del owner[place[-1] : place[-1] + 1]
        elif not place or not isinstance(owner, dict):
            return
        elif place[-1] not in owner:
            owner[str(place[-1])] = _stand_in(kind_at(StudioConfig, place))
            self._stood.add(place)
        elif isinstance(value, list) and _once_each(value) != value:
            owner[str(place[-1])] = _once_each(value)
            return  # it says which, only too often: nothing is lost
        else:
            owner.pop(str(place[-1]))
            if self._named_otherwise(owner, place, value):
                return
        self.lost.add(place)

    def _named_otherwise(self, owner: dict[str, Any], place: Place, value: Any) -> bool:
        """Whether it is a table under a name that cannot be: it now stands under the name that was meant."""
        around, name = place[:-1], str(place[-1])
        section = kind_at(StudioConfig, around)
        close = [plain_name(name)]
        if isinstance(section, type) and issubclass(section, BaseModel):
            close = [] if name in section.model_fields else get_close_matches(name.lower(), section.model_fields, n=3)
        meant = close[0] if close else ""
        if not isinstance(value, dict) or meant in ("", name) or not isinstance(owner.get(meant, {}), dict):
            self.lost |= {(*around, key) for key in close if key not in owner}
            return False
        if meant not in owner:
            self.written[(*around, meant)] = place
        self.lost |= {(*around, meant, *one[len(place) :]) for one in self.lost if one[: len(place)] == place}
        beside = owner.setdefault(meant, {})
        for key, inner in value.items():
            if key not in beside:
                beside[key] = inner
                self.written[(*around, meant, key)] = (*place, key)
        return True


def _order(fault: Fault) -> tuple[int, ...]:
    return tuple(step if isinstance(step, int) else -1 for step in fault[0])


def _value(data: Any, place: Place) -> Any:
    inner: Any = data
    for step in place:
        try:
            inner = inner[step]
        except (LookupError, TypeError):
            return None
    return inner


def _once_each(items: list[Any]) -> list[Any]:
    try:
        return list(dict.fromkeys(items))
    except TypeError:  # lists or tables, of which no key takes a list
        return items


def _stand_in(kind: Any) -> Any:
    """Something the type takes."""
    if get_origin(kind) is tuple:
        return [_stand_in(kind_at(kind, (0,)))]
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return 1 if kind in (int, float) else "x"


def salvage(data: Mapping[str, Any], faults: Sequence[Fault], context: Mapping[str, Any]) -> Salvage:
    """What is left of ``data`` without its faults."""
    return Salvage(copy.deepcopy(dict(data)), context).run(faults)
