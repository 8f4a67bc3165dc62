"""The same words for any model: drivers' options, profiles."""

from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field

from config.check import dotted, validate


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: float = 0.0


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    port: str = Field(min_length=3, max_length=5)
    size: tuple[int, int] | None = None
    bits: Literal[8, 16] = 8
    rate: Annotated[float, Field(gt=0, lt=2)] = 1.0
    inner: Inner | None = None
    name: Annotated[str, Field(pattern="^x", description="A name with an x.")] = "x"
    serial: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{1,8}$")] = "0"
    host: Annotated[str, Field(pattern=r"^\S+$")] = "x"
    parts: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    cid: UUID | None = None
    flag: bool = False


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({}, "o.port – is missing – give it a value"),
        ({"port": ""}, "o.port – is empty – at least 3 characters"),
        ({"port": "ab"}, "o.port – is too short – at least 3 characters"),
        ({"port": "abcdef"}, "o.port – is too long – at most 5 characters"),
        ({"port": "abc", "size": [1]}, "o.size[1] – is missing – the list size needs at least 2 items"),
        ({"port": "abc", "size": [1, 2, 3]}, "o.size – is too long – at most 2 items"),
        ({"port": "abc", "size": 3}, "o.size – a list is expected, not 3 – in brackets: [3]"),
        ({"port": "abc", "bits": 9}, "o.bits – 9 is not one of the choices – one of: 8, 16"),
        ({"port": "abc", "rate": 0}, "o.rate – 0 is too low – more than 0"),
        ({"port": "abc", "rate": 2}, "o.rate – 2 is too high – less than 2"),
        ({"port": "abc", "inner": 1}, "o.inner – a table is expected, not 1 – keys and values of its own"),
        ({"port": "abc", "inner": {"dept": 1}}, "o.inner.dept – unknown key – did you mean 'depth'?"),
        ({"port": "abc", "name": "y"}, 'o.name – "y" does not have the right form – A name with an x.'),
        (
            {"port": "abc", "serial": "x y"},
            'o.serial – "x y" does not have the right form – 1 to 8 characters: hexadecimal digits',
        ),
        ({"port": "abc", "host": "a b"}, 'o.host – "a b" does not have the right form – a text without spaces'),
        ({"port": "abc", "parts": "[1"}, 'o.parts – a list is expected, not "[1" – in brackets, like [1, 2]'),
        ({"port": "abc", "parts": "[1, 2]"}, 'o.parts – a list is expected, not "[1, 2]" – without quotes: [1, 2]'),
        ({"port": "abc", "parts": "7"}, 'o.parts – a list is expected, not "7" – in brackets: [7]'),
        ({"port": "abc", "parts": True}, "o.parts – a list is expected, not true – in brackets, like [1, 2]"),
        ({"port": "abc", "parts": {"a": 1}}, "o.parts – a list is expected, not a table – in brackets, like [1, 2]"),
        ({"port": "abc", "hosts": "a"}, 'o.hosts – a list is expected, not "a" – in brackets: ["a"]'),
        ({"port": "abc", "hosts": 1}, 'o.hosts – a list is expected, not 1 – in brackets, like ["a", "b"]'),
        ({"port": "abc", "parts": 10**400}, "o.parts – the number is too large – a whole number of at most 64 bits"),
        ({"port": "abc", "rate": 2.0000000001}, "o.rate – 2.0000000001 is too high – less than 2"),
        (
            {"port": "abc", "cid": "zz"},
            'o.cid – "zz" is not a UUID – like "6f2f7f0a-53a7-4a1e-9d53-8a0c6f0e9b11", 32 hexadecimal digits',
        ),
        (
            {"port": "abc", "cid": 1},
            'o.cid – 1 is not a UUID – like "6f2f7f0a-53a7-4a1e-9d53-8a0c6f0e9b11", 32 hexadecimal digits',
        ),
        ({"port": "abc", "flag": 1}, "o.flag – true or false is expected, not 1"),
        ({"port": True}, 'o.port – a text is expected, not true – in quotes: "true"'),
        ({"port": "abc", "rate": "x" * 90}, f'o.rate – a number is expected, not "{"x" * 56}…'),
    ],
)
def test_a_fault_is_told_in_plain_words(data, line):
    value, problems = validate(Options, data, "o")
    assert value is None
    assert [problem.line("f") for problem in problems] == [f"f: {line}"]


def test_what_is_right_comes_back_as_the_model():
    value, problems = validate(Options, {"port": "abc", "size": [1, 2], "inner": {"depth": 1}}, "o")
    assert problems == []
    assert value == Options(port="abc", size=(1, 2), inner=Inner(depth=1.0))


def test_a_path_is_written_so_that_odd_keys_cannot_deceive():
    assert dotted(("a", "b.c", 0, "d e")) == 'a."b.c"[0]."d e"'
