from dataclasses import replace

from drivers.dmx.artnet import SPEC
from drivers.testing import contract_for

test_contract = contract_for(SPEC)
test_contract_of_finding_nodes = contract_for(replace(SPEC, example={}))
