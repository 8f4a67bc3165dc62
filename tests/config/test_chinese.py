"""The table of our sentences in Chinese: whole, used, and found again with what stands in it."""

import re
import tomllib

import pytest

from config.chinese import TABLE, chinese, told
from config.problems import ConfigError, Problem
from tests.processes import ROOT

ROWS = tomllib.loads(TABLE.read_text(encoding="utf-8"))
OTHERS = re.compile(
    "No such file.*|Permission denied|.* directory|File name too.*|Too many levels.*|Input/output.*"
    "|.* is a driver for .*|.* with tint .*|the archive has .*"
)
"""The system's own sentences, and those that are put together of parts."""
HOLE = re.compile(r"\{#?\d?\}")


@pytest.mark.parametrize("english", ROWS)
def test_each_sentence_finds_its_own_row_with_what_stands_in_it(english: str) -> None:
    given = iter(range(7001, 7010))
    text = HOLE.sub(lambda _: str(next(given)), english)
    put = [str(number) for number in range(7001, 7001 + len(HOLE.findall(english)))]
    assert chinese(text) != text
    assert sorted(re.findall(r"700\d", chinese(text))) == put
    assert re.search("[\u4e00-\u9fff]", chinese(text))


def test_no_row_is_of_a_sentence_that_nobody_says() -> None:
    files = [*(ROOT / "config").glob("*.py"), *(ROOT / "agent").rglob("*.py")]
    for room in ("firmware_profiles", "drivers"):
        files += (ROOT / room).rglob("*.py")
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    source = re.sub(r"[\"']\s*\n\s*f?[\"']", "", source)  # a sentence over two lines
    dead = []
    for english in ROWS:
        pieces = [piece for each in HOLE.split(english) for piece in re.split(": |; |, ", each) if len(piece) > 3]
        if not OTHERS.fullmatch(english):
            dead += [english for piece in pieces if piece.strip() not in source and piece.rstrip("s") not in source]
    assert not dead, dead


def test_in_both_languages_the_line_with_the_place_stands_first() -> None:
    error = ConfigError("a.toml", [Problem("x.y", "unknown key", "did you mean 'z'?", 3), Problem("file", "Aha", at=1)])
    assert told(error, "en") == str(error) == "a.toml:3: x.y – unknown key – did you mean 'z'?\na.toml:1: file – Aha"
    assert told(error, "zh") == "a.toml:3: x.y – 未知的键 – 是否指 'z'？\na.toml:1: 文件 – Aha"
    assert told(error, "both").splitlines() == [
        "a.toml:3: x.y – unknown key – did you mean 'z'?",
        "    未知的键 – 是否指 'z'？",
        "a.toml:1: file – Aha",
    ]


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("not valid TOML: = is missing after the key", "不是有效的 TOML：键后缺少 ="),
        ("slots 3…4 of universe 1 overlap with key (1…4)", "域 1 的通道 3…4 与 key（1…4）重叠"),
        ("give it: The DMX mode the light is set to, or the way it is spoken to.", "请填写：The DMX mode"),
        ("The DMX mode the light is set to, or more.", "The DMX mode the light is set to, or more."),
        ("cannot be read: No such file or directory", "无法读取：没有该文件或目录"),
        ('"is missing" is too high', '"is missing" 过大'),
        ("nobody said this", "nobody said this"),
        ("", ""),
    ],
)
def test_sentences_within_sentences_are_said_in_chinese_and_nothing_else_is(english: str, said: str) -> None:
    assert chinese(english).startswith(said)
