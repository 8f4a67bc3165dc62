"""The lamp buses keep the contract."""

from drivers.lamps.line import SPEC as LINE
from drivers.lamps.modbus import SPEC as MODBUS
from drivers.testing import contract_for

test_modbus = contract_for(MODBUS)
test_line = contract_for(LINE)
