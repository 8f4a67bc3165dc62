"""Every limit that is written down holds: two limits of one kind on one key would silently become one."""

import math
from collections.abc import Iterator
from typing import Any

import annotated_types as limits
import pytest
from pydantic import BaseModel, ValidationError

from agent.messaging.commands import ARGS
from config import model

SECTIONS = [kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, model.Section)]


def bounds() -> Iterator[tuple[type[BaseModel], str, Any]]:
    for kind in [*SECTIONS, *ARGS.values()]:
        for name, field in kind.model_fields.items():
            for limit in field.metadata:
                if isinstance(limit, limits.Ge | limits.Gt | limits.Le | limits.Lt):
                    yield kind, name, limit


def outside(limit: Any) -> float:
    """The nearest value the limit refuses."""
    match limit:
        case limits.Gt(at) | limits.Lt(at):
            return at
        case limits.Ge(at):
            return at - 1 if isinstance(at, int) else math.nextafter(at, -math.inf)
        case limits.Le(at):
            return at + 1 if isinstance(at, int) else math.nextafter(at, math.inf)
    raise AssertionError(limit)


@pytest.mark.parametrize(
    ("kind", "name", "limit"), [pytest.param(*b, id=f"{b[0].__name__}.{b[1]}-{b[2]}") for b in bounds()]
)
def test_a_limit_holds(kind: type[BaseModel], name: str, limit: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate({name: outside(limit)})
    assert (name,) in [error["loc"][:1] for error in caught.value.errors()], f"{name} = {outside(limit)} is accepted"


def test_there_are_limits_to_test() -> None:
    assert len(list(bounds())) > 20
