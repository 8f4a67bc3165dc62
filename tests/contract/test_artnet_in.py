from drivers.dmx.artnet_in import SPEC
from drivers.testing import contract_for

test_contract = contract_for(SPEC)
