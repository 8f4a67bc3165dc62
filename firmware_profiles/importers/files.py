"""A foreign file to a profile file: which format it is, how large it may be, and every fault under the file's name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from config import source
from config.check import validate
from firmware_profiles.importers import gdtf, ofl, package, write
from firmware_profiles.importers.convert import Imported, convert
from firmware_profiles.importers.foreign import Fault, Light, NotThere, Unreadable, plain
from firmware_profiles.model import Profile

__all__ = ["Missing", "Ready", "Unreadable", "read"]


class Missing(Unreadable):
    """There is no such file, or it has no mode of the name that was asked for."""


@dataclass(frozen=True)
class Ready:
    """What was read, and the text of the profile file for it."""

    imported: Imported
    text: str

    @property
    def path(self) -> Path:
        """Where below a folder of profiles it belongs."""
        return Path(self.imported.profile.vendor) / f"{self.imported.profile.model}.toml"


def read(file: Path, mode: str | None = None, vendor: str | None = None) -> Ready:
    """The light in an Open Fixture Library or GDTF file as a profile. Raises Unreadable, and nothing else.

    ``mode`` names the only one wanted; ``vendor`` the maker, where the file does not or not well.
    """
    try:
        imported = convert(_light(file, vendor), mode)
        text = write.text(imported)
        size = len(text.encode())
        if size > source.LARGEST:
            raise Fault("modes", f"its profile would have {size} bytes", "one mode of it: --mode NAME")
        _proved(text, imported.profile)
    except NotThere as error:
        raise Missing(str(file), [error.problem]) from None
    except Fault as error:
        raise Unreadable(str(file), [error.problem]) from None
    return Ready(imported, text)


def _light(file: Path, vendor: str | None) -> Light:
    content = _content(file)
    digest = hashlib.sha256(content).hexdigest()[:12]
    named = f"{plain(file.name, 80)} (sha256 {digest}…)"
    if content[:2] == b"PK":
        return gdtf.read(package.tree(package.description(content)), named, vendor)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        raise Fault("file", "is neither JSON nor a zip archive", "an Open Fixture Library or a GDTF file")
    if len(content) > ofl.LARGEST:
        raise Fault("file", f"is larger than {ofl.LARGEST} bytes", "a fixture file of the Open Fixture Library")
    return ofl.read(content, named, vendor, plain(file.stem))


def _content(file: Path) -> bytes:
    right = "the path of an Open Fixture Library or a GDTF file that this user may read"
    try:
        if file.exists() and not file.is_file():
            raise NotThere("file", "is not a plain file", right)
        with file.open("rb") as opened:
            content = opened.read(package.LARGEST + 1)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "not a path"
        raise NotThere("file", f"cannot be read: {said}", right) from None
    if len(content) > package.LARGEST:
        raise Fault("file", f"is larger than {package.LARGEST} bytes", right)
    return content


def _proved(text: str, meant: Profile) -> None:
    """That the text reads back as the profile it was made from: what is written is what a fixture will use."""
    data, not_toml = source.parse(text)
    profile, problems = (None, [not_toml]) if not_toml else validate(Profile, data)
    if profile != meant:
        why = problems[0].why if problems and problems[0] else "it reads back as something else"
        raise Fault("file", f"no valid profile comes of it: {why}", "report this: it is a fault of the importer")
