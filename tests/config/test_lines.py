"""Line numbers of keys."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from config.lines import lines

TEXT = '''\
# a comment with [brackets] and "quotes
top = 1

[a]
text = """
[not.a.table]
key = 1
"""
list = [
  1, # [no]
  { deep = 2 },
]
"quoted key" = 3
dotted.name = 4

[a.b."c d"]
x = 1

[[many]]
y = 1
[[many]]
y = 2
[many.inner]
z = 3
'''


def test_every_key_is_found_on_the_line_of_its_statement():
    assert lines(TEXT) == {
        "top": 2,
        "a": 4,
        "a.text": 5,
        "a.list": 9,
        "a.list[0]": 9,
        "a.list[1]": 9,
        "a.list[1].deep": 9,
        'a."quoted key"': 13,
        "a.dotted": 14,
        "a.dotted.name": 14,
        "a.b": 16,
        'a.b."c d"': 16,
        'a.b."c d".x': 17,
        "many": 19,
        "many[0]": 19,
        "many[0].y": 20,
        "many[1]": 21,
        "many[1].y": 22,
        "many[1].inner": 23,
        "many[1].inner.z": 24,
    }


def test_a_statement_of_absurd_length_ends_the_search_and_not_the_program():
    found = lines("a = 1\nb = [\n" + "1,\n" * 1000 + "]\nc = 2\n")
    assert found == {"a": 1}


PIECES = st.sampled_from(
    ["[a]", "[b.c]", "[[d]]", "x = 1", "y = '''", "'''", "z = [", "]", "1,", "# ]", "k.l = {m = 1}", '"q" = "\\""', ""]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("\n".join))
def test_every_line_that_is_named_begins_with_the_key_or_a_table(text):
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    rows = text.split("\n")
    for key, at in lines(text).items():
        assert rows[at - 1].lstrip().startswith(("[", "x", "y", "z", "k", '"')), (key, at)
