"""Whether what is wrong with a file is said in Chinese, too."""

import re
from collections.abc import Iterable

from config.chinese import chinese
from config.problems import Problem


def english_only(problems: Iterable[Problem]) -> list[str]:
    """Sentences that have no Chinese one. What a key means (it ends with a full stop) is the model's, in English; a
    number, a range or a key alone is the same in both."""
    return [
        text
        for problem in problems
        for text in (problem.why, problem.right)
        if re.search("[a-z]{3}", text)
        and " " in text
        and not text.endswith(".")
        and not re.search("[\u4e00-\u9fff]", chinese(text))
    ]
