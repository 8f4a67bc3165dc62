from drivers.dmx.enttec_mk2_in import SPEC
from drivers.testing import contract_for

test_contract = contract_for(SPEC)
