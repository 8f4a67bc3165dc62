"""Profiles for tests, made from plain data as a file would give them."""

from typing import Any

from firmware_profiles.model import Personality, Profile


def mode(*slots: dict[str, Any], **keys: Any) -> Personality:
    return Personality.model_validate({"title": "for a test", "slots": slots, **keys})


def profile(**keys: Any) -> Profile:
    plain = {
        "vendor": "acme",
        "model": "tube",
        "title": "Tube",
        "source": "made up for a test",
        "personalities": {"1ch": {"title": "1", "slots": [{"attribute": "intensity"}]}},
    }
    return Profile.model_validate(plain | keys)


def file(**keys: Any) -> str:
    """A profile file's text; ``keys`` replace single lines (``None`` leaves one out)."""
    rows = {"vendor": '"acme"', "model": '"tube"', "title": '"Tube"', "source": '"made up for a test"'} | keys
    text = "".join(f"{key} = {value}\n" for key, value in rows.items() if value is not None)
    return f'{text}[personalities.1ch]\ntitle = "1"\nslots = [{{ attribute = "intensity" }}]\n'
