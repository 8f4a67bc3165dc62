"""Which of several profiles of one model fits this firmware."""

from collections.abc import Sequence

from firmware_profiles import versions
from firmware_profiles.model import FirmwareRange, Profile
from firmware_profiles.versions import Version


def most_specific(profiles: Sequence[Profile], firmware: str | None) -> list[Profile]:
    """Those that fit and that no other fitting one is more specific than: none, the one, or a tie.

    ``firmware=None`` means *not known*. A profile without ranges fits every firmware, known or not; one with ranges
    fits an unknown firmware only if it says ``unknown = true``. More specific: having said so, or a narrower range.
    Raises ValueError when ``firmware`` is not a version.
    """
    version = None if firmware is None else versions.parse(firmware)
    fitting = [profile for profile in profiles if _fits(profile, version)]
    return [one for one in fitting if not any(_beats(other, one, version) for other in fitting)]


def _fits(profile: Profile, version: Version | None) -> bool:
    match = profile.match
    if not match.firmware:
        return True
    return match.unknown if version is None else any(_holds(range_, version) for range_ in match.firmware)


def _beats(one: Profile, other: Profile, version: Version | None) -> bool:
    """Whether ``one`` is strictly more specific than ``other``."""
    if not other.match.firmware:
        return bool(one.match.firmware)
    if not one.match.firmware or version is None:
        return False
    mine = [range_ for range_ in one.match.firmware if _holds(range_, version)]
    theirs = [range_ for range_ in other.match.firmware if _holds(range_, version)]
    return all(any(_within(a, b) for a in mine) for b in theirs)


def _holds(range_: FirmwareRange, version: Version) -> bool:
    since, before = _ends(range_)
    return (since is None or since <= version) and (before is None or version < before)


def _within(inner: FirmwareRange, outer: FirmwareRange) -> bool:
    """Whether ``inner`` is a true part of ``outer``."""
    (since_in, before_in), (since_out, before_out) = _ends(inner), _ends(outer)
    starts = since_out is None or (since_in is not None and since_out <= since_in)
    stops = before_out is None or (before_in is not None and before_in <= before_out)
    return starts and stops and (since_in, before_in) != (since_out, before_out)


def _ends(range_: FirmwareRange) -> tuple[Version | None, Version | None]:
    since = None if range_.since is None else versions.parse(range_.since)
    before = None if range_.before is None else versions.parse(range_.before)
    return since, before
