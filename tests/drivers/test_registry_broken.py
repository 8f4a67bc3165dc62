"""A third party's package that cannot be loaded is one clear error."""

from importlib.metadata import EntryPoint

import pytest

from drivers import registry
from drivers.errors import NotSupported


@pytest.mark.parametrize("value", ["drivers.errors:NOPE", "no_such_package_at_all:SPEC"])
def test_a_package_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    broken = EntryPoint("acme-tube", value, registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    with pytest.raises(NotSupported, match=r"the package of driver 'acme-tube' cannot be loaded"):
        registry.find("acme-tube")
