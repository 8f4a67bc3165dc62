from drivers.dmx.open_dmx import SPEC
from drivers.testing import contract_for

test_contract = contract_for(SPEC)
