"""A small rig for tests: key and fill (intensity, cct), back (16-bit dimmer), colour (intensity, RGBW)."""

from config.model import AgentSection, FixtureSection, OutputSection, StudioConfig
from firmware_profiles.patch import Patch, patch


def fixtures() -> Patch:
    return patch(room())


def room() -> StudioConfig:
    def at(profile: str, personality: str, address: int, role: str = "practical") -> FixtureSection:
        return FixtureSection(
            profile=profile,
            personality=personality,
            universe=1,
            address=address,
            role=role,  # type: ignore[arg-type]
        )

    return StudioConfig(
        agent=AgentSection(site="test", name="room"),
        outputs={"out": OutputSection(driver="sacn", universes=(1,))},
        fixtures={
            "key": at("generic/bicolour-panel", "2ch", 1, "key"),
            "fill": at("generic/bicolour-panel", "2ch", 11, "fill"),
            "back": at("generic/dimmer", "16bit", 21, "back"),
            "colour": at("generic/rgbw-panel", "5ch", 31),
        },
    )
