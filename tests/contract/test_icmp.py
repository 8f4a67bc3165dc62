from drivers.network.icmp import SPEC
from drivers.testing import contract_for

test_contract = contract_for(SPEC)
