"""What is wrong with a command and what would be right, in Chinese beside the English of ``config``. Pure."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from config.problems import nearest
from config.units import Text

_WHY: Mapping[str, str] = {
    "missing": "缺少此项",
    "extra_forbidden": "没有此项",
    "too_short": "不能为空",
    "literal_error": "不在可选值之中",
    "enum": "不在可选值之中",
    "string_pattern_mismatch": "格式不对",
    "timezone_aware": "时间缺少时区",
    "string_type": "应为文本",
    "string_too_long": "文本过长",
    "string_too_short": "文本过短",
    "too_long": "项数过多",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "bool_type": "应为 true 或 false",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "tuple_type": "应为列表",
    "list_type": "应为列表",
    "finite_number": "应为有限的数",
}
"""By pydantic's kind of error."""

_LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", "应不小于 {:g}"),
    "greater_than": ("gt", "应大于 {:g}"),
    "less_than_equal": ("le", "应不大于 {:g}"),
    "less_than": ("lt", "应小于 {:g}"),
}

_OURS: Mapping[str, str] = {
    "out_of_range": "{what} 应在 {range}",
    "no_role": "没有角色 {role}；可选：{zh}",
}
"""By kinds of error of our own."""


def hint(word: str, known: Sequence[str]) -> Text:
    """:func:`config.problems.nearest` in both languages."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        zh = f"是否指 {close[0]}？"
    else:
        zh = f"可选：{'、'.join(sorted(known))}" if known else "没有可选项"
    return Text(nearest(word, known), zh)


def lacks(table: str) -> Text:
    """What a command says that has nothing to work on: ``[table]`` is not in the configuration."""
    return Text(f"the configuration has no [{table}]", f"配置中没有 [{table}]")


def fault(detail: ErrorDetails) -> str:
    """Why an argument is wrong, in Chinese."""
    kind = detail["type"]
    if kind in _LIMITS:
        key, said = _LIMITS[kind]
        return said.format(detail["ctx"][key])
    if kind in _OURS:
        return _OURS[kind].format_map(detail["ctx"])
    return _WHY.get(kind, "有误")
