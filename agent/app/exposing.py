"""What a measured picture means to the automatic fill light."""

from agent.app.commissions import Commissions
from agent.app.house import House
from agent.exposure.camera import Sight


def looked(house: House, commissions: Commissions, camera: str, sight: Sight) -> None:
    """A picture of this camera was measured."""
    loop = house.exposure
    if loop is None or not house.looks_through(camera):
        return
    commissions.hear(sight)
    glance = sight.glance(loop.target, house.devices.cameras[camera].section.rate)
    lights = [house.rig.fixtures[name] for name in loop.fixtures]
    consoles = [light.name for light in lights if house.devices.console(light)]
    loop.turn(glance, house.now(), house.on_air(), consoles=consoles, gone=house.devices.unreachable(lights))
