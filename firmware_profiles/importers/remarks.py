"""What foreign files say of a whole light that a profile cannot: over RDM, and of its emitters. Pure.

A profile takes maker and model into its ``[match]``. The version a file was made for is no range: which other versions
have the same modes nobody says. And a personality has a name here, no RDM number. Both are told.
"""

import re
from collections.abc import Mapping
from typing import Any

from config.units import Text
from firmware_profiles.importers.foreign import Remark, plain, whose
from firmware_profiles.importers.package import Node

RDM = "RDM"
VERSION = "RDM software version"
NUMBERS = "RDM personalities"
MANY = 40
"""Modes of which the number is told."""


def of_library(data: Mapping[str, Any]) -> tuple[Remark, ...]:
    """``rdm`` of a fixture of the Open Fixture Library, and ``rdmPersonalityIndex`` of its modes."""
    said = data.get("rdm")
    remarks = []
    if isinstance(said, dict):
        if said.get("modelId") is not None:
            remarks.append(Remark(RDM, whose(said["modelId"])))
        if said.get("softwareVersion") is not None:
            remarks.append(_version(said["softwareVersion"]))
    modes = data.get("modes")
    listed = [mode for mode in modes if isinstance(mode, dict)] if isinstance(modes, list) else []
    numbers = [(mode["rdmPersonalityIndex"], mode.get("name", "?")) for mode in listed if "rdmPersonalityIndex" in mode]
    return (*remarks, *_numbers(numbers))


def of_gdtf(fixture: Node) -> tuple[tuple[int, int] | None, tuple[Remark, ...]]:
    """ManufacturerID and DeviceModelID (section RDM: hexadecimal; editors leave 0 where nobody filled them in), then
    every SoftwareVersionID with its DMXPersonalities."""
    for node in fixture.all("Protocols", "FTRDM")[:1]:
        words = [node.said.get(key, "") for key in ("ManufacturerID", "DeviceModelID")]
        found = [int(word, 16) for word in words if re.fullmatch(r"(0[xX])?[0-9A-Fa-f]{1,8}", word)]
        model = None
        remarks: list[Remark] = []
        if len(found) == 2 and 0 < found[0] <= 0xFFFF and found[1] <= 0xFFFF:
            model = (found[0], found[1])
        elif any(found) or len(found) < len([word for word in words if word]):
            told = plain(":".join(words), 40)
            no = Text(f"{told} is no maker and model of 16 bit", f"{told} 不是 16 位的厂商与型号编号")
            remarks.append(Remark(RDM, no))
        versions = node.all("SoftwareVersionID")
        if versions:
            remarks.append(_version(", ".join(each.said.get("Value", "?") for each in versions[:MANY])))
        modes = node.all("SoftwareVersionID", "DMXPersonality")
        remarks += _numbers([(each.said.get("Value", "?"), each.said.get("DMXMode", "?")) for each in modes])
        return model, tuple(remarks)
    return None, ()


def measured(fixture: Node) -> tuple[Remark, ...]:
    """The colours of its emitters, where a GDTF file has them."""
    count = len(fixture.all("PhysicalDescriptions", "Emitters", "Emitter"))
    told = Text(
        f"the colours of {count}: a mode that mixes them is written by hand, see docs/profiles.md",
        f"{count} 个光源的颜色：混光模式须手写，见 docs/profiles.md",
    )
    return (Remark("Emitters", told),) if count else ()


def _version(said: object) -> Remark:
    told = plain(said, 60)
    return Remark(
        VERSION,
        Text(
            f"the file is for {told}: where others differ, add a range to [match] firmware",
            f"文件适用于 {told}：其他版本不同时，请在 [match] firmware 中加入范围",
        ),
    )


def _numbers(numbers: list[tuple[object, object]]) -> tuple[Remark, ...]:
    if not numbers:
        return ()
    said = ", ".join(f"{plain(number, 10)} {plain(name, 30)}" for number, name in numbers[:MANY])
    more = ", …" if len(numbers) > MANY else ""
    return (
        Remark(NUMBERS, Text(f"a profile has no numbers for them: {said}{more}", f"配置文件不含编号：{said}{more}")),
    )
