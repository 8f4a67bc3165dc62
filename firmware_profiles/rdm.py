"""Which profile a light that answers RDM has: by its ESTA manufacturer, its model number and its software version."""

from dataclasses import dataclass

from config.units import SILENT, Text
from firmware_profiles import versions
from firmware_profiles.library import Library, ProfileMissing
from firmware_profiles.model import Profile


@dataclass(frozen=True)
class Chosen:
    """The profile, or why there is none and what to do. ``firmware`` is the version it was chosen by, None: unknown."""

    profile: Profile | None
    firmware: str | None = None
    said: Text = SILENT
    next_step: Text = SILENT


def version_of(label: str) -> str | None:
    """The firmware version in a SOFTWARE_VERSION_LABEL, be it behind other words; None where there is none.

    The version id of DEVICE_INFO is no stand-in: E1.20 leaves its coding to the maker, and 66048 is not past 2.0.
    """
    for text in (label, *reversed(label.split())):
        try:
            versions.parse(text)
        except ValueError:
            continue
        return text.strip()
    return None


def choose(library: Library, manufacturer: int, model: int, label: str = "") -> Chosen:
    """The profile whose ``[match] rdm`` names this model and whose firmware range holds."""
    names = sorted(
        {
            profile.name
            for shelf in library.shelves
            for profile in shelf.profiles
            for each in profile.match.rdm
            if (each.manufacturer, each.model) == (manufacturer, model)
        }
    )
    shown = f"{manufacturer:04X}:{model:04X}"
    if not names:
        return Chosen(
            None,
            said=Text(f"No profile names the RDM model {shown}.", f"没有配置文件对应RDM型号 {shown}。"),
            next_step=Text(
                "Choose a profile by hand, and add rdm to its [match] once it is proven.",
                "请手动选择配置文件，验证后在其[match]中加入rdm。",
            ),
        )
    if len(names) > 1:
        return Chosen(
            None,
            said=Text(f"{', '.join(names)} all name the RDM model {shown}.", f"多个配置文件对应RDM型号 {shown}。"),
            next_step=Text("Remove rdm from all but one of them.", "仅保留其中一个的rdm条目。"),
        )
    firmware = version_of(label)
    try:
        return Chosen(library.find(names[0], firmware), firmware)
    except ProfileMissing as missing:
        return Chosen(
            None,
            firmware,
            Text(
                missing.why[:1].upper() + missing.why[1:] + ".",
                f"{names[0]} 没有适用于固件 {firmware or '未知'} 的配置。",
            ),
            Text(
                "Check this firmware with the light's self-test off air, then widen the profile's range.",
                "非直播时用灯具自检验证该固件，然后放宽配置文件的固件范围。",
            ),
        )
