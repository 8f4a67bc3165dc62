"""What is on the disk when somebody asks for it to be there."""

from agent.app.keeper import LookKeeper
from agent.lighting.claims import Priority
from agent.lighting.memory import LookFile
from agent.lighting.rig import Rig
from config.units import Attribute
from tests.agent.lighting.rooms import fixtures

LIGHT = Attribute.INTENSITY


async def test_a_look_written_on_its_way_is_written_again_where_it_arrived(tmp_path):
    async def disk(work):
        return work()

    now = [100.0]
    rig = Rig(fixtures(), rate=0.6, present={"key": {LIGHT: 0.3}}, show=lambda scene: keeper.changed())
    keeper = LookKeeper(LookFile(tmp_path / "look.json"), lambda: rig, disk, lambda: now[0], dict, lambda: 0.0)
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.9}}, now=now[0], fade=4.0)
    shown = []
    for now[0] in (101.0, 103.9, 104.0):
        await keeper.remembered()
        shown.append(round((await keeper.read()).shown["key"][LIGHT], 3))
    assert shown == [0.45, 0.885, 0.9]
