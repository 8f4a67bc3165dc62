"""The report as one HTML page that needs nothing else: no scripts, no fonts, no network. It can be mailed or printed.

The language is chosen by three radio buttons and style rules, so the page works where scripts are forbidden.
"""

from html import escape
from importlib.resources import files

from agent.messaging.header import Say
from agent.selftest import words
from agent.selftest.drawings import gauge, of_light
from agent.selftest.report import WORSE, Outcome, Report, roll_up
from agent.selftest.step import Group
from agent.selftest.table import Language, measured, tally, word
from config.units import Text
from drivers.base import Verdict

CHECKED = ' checked="checked"'
LANGUAGES = (("zh", "中文"), ("en", "English"), ("both", "中 / EN"))


def page(report: Report, language: Language = "both") -> str:
    """The whole page, UTF-8. ``language`` is the one it opens in; in both of them Chinese comes first."""
    style = files("agent.selftest").joinpath("page.css").read_text(encoding="utf-8")
    radios = "".join(
        f'<input type="radio" name="language" id="in-{key}"{CHECKED if key == language else ""}/>'
        for key, _ in LANGUAGES
    )
    labels = "".join(f'<label for="in-{key}">{name}</label>' for key, name in LANGUAGES)
    title = f"{report.agent} · {words.HEADLINES[report.verdict].say(language)} · {report.started}"
    return f"""<!DOCTYPE html>
<html lang="{"en" if language == "en" else "zh-CN"}"><head><meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{escape(title)}</title><style>{style}</style></head>
<body>{radios}<nav>{labels}</nav><main>
{_head(report)}
{_first(report)}
<section class="groups">{"".join(_group(group, checks) for group, checks in _ordered(report))}</section>
{_notes(report)}
{_foot(report)}
</main></body></html>
"""


def _head(report: Report) -> str:
    chips = "".join(
        f'<li class="{kind}">{_sign(kind)}<b>{count}</b> {_both(said)}</li>' for count, kind, said in tally(report)
    )
    depth = words.FULL if report.depth == "full" else words.QUICK
    facts = [
        f"<b>{escape(report.site)} / {escape(report.agent)}</b>",
        escape(report.started.replace("T", " ").replace("Z", " UTC")),
        _both(depth),
        f"{report.seconds:.0f} s",
        _both(words.ON_AIR if report.on_air else words.STATED if report.stated else words.OFF_AIR),
    ]
    if report.only:
        facts.append(f"<code>{escape(' '.join(report.only))}</code>")
    if report.accepted is not None:
        facts.append(_both(words.accepted(report.accepted)))
    stopped = f'<p class="stopped">{_both(report.stopped)}</p>' if report.stopped else ""
    return f"""<header class="{report.verdict}"><h1>{_both(words.HEADLINES[report.verdict])}</h1>
<p class="facts">{" · ".join(facts)}</p>{stopped}<ul class="chips">{chips}</ul></header>"""


def _first(report: Report) -> str:
    todo = report.first_things
    if not todo:
        return ""
    items = "".join(
        f'<li class="{check.verdict}"><div class="what">{_badge(check)} <b>{escape(check.name)}</b> '
        f"<code>{check.id}</code> <span>{_both(check.said)}</span></div>"
        + (f'<div class="remedy">{_both(check.remedy)}</div>' if check.remedy.en else "")
        + "</li>"
        for check in todo
    )
    return f'<section class="first"><h2>{_both(words.FIRST)}</h2><ol>{items}</ol></section>'


def _ordered(report: Report) -> list[tuple[Group, list[Outcome]]]:
    """Lights first, they are what the studio is about; then as planned."""
    return sorted(report.groups().items(), key=lambda item: item[0].kind != "light")


def _group(group: Group, checks: list[Outcome]) -> str:
    verdict = roll_up(checks)
    drawn = next((of_light(check.evidence) for check in checks if check.evidence.get("zones")), "")
    rows = "".join(_row(check) for check in sorted(checks, key=lambda c: -_gravity(c)))
    return f"""<article class="{verdict}"><h3><span class="kind">{_both(words.KINDS[group.kind])}</span>
{escape(group.name)}<i class="badge">{_sign(verdict)}{_both(words.VERDICTS[verdict])}</i></h3>
{f'<div class="drawn">{drawn}</div>' if drawn else ""}<table>{rows}</table></article>"""


def _gravity(check: Outcome) -> int:
    """What is wrong stands above what is right; what does not apply at the end."""
    return WORSE.index(check.verdict) if check.verdict is not Verdict.SKIPPED else -1


def _row(check: Outcome) -> str:
    bar = gauge(check.value, check.limits) if check.value is not None else ""
    kind = check.verdict if check.asked else "not"
    return (
        f'<tr class="{kind}"><td class="sign">{_badge(check)}</td>'
        f'<td><div class="title"><code>{check.id}</code> {_both(check.title)}</div>'
        f'<div class="said">{_both(check.said)}</div></td>'
        f'<td class="value">{escape(measured(check).partition(" of ")[0])}{bar}</td></tr>'
    )


def _badge(check: Outcome) -> str:
    kind = check.verdict if check.asked else "not"
    return f'<i class="badge {kind}">{_sign(kind)}{_both(word(check))}</i>'


def _sign(kind: str) -> str:
    return f'<span class="mark-of" aria-hidden="true">{words.SIGNS.get(kind, words.NOT_SIGN)}</span> '


def _notes(report: Report) -> str:
    if not report.notes:
        return ""
    items = "".join(
        f'<li class="note"><div class="what"><b>{escape(note.about or report.agent)}</b> '
        f"<span>{escape(note.text)}</span></div>"
        f'<div class="remedy">{escape(note.at[:16].replace("T", " "))} UTC · {escape(note.by)}</div></li>'
        for note in report.notes
    )
    return f'<section class="first notes"><h2>{_both(words.NOTES)}</h2><ol>{items}</ol></section>'


def _foot(report: Report) -> str:
    place = f"№ {report.number} · " if report.number else ""
    chain = f"<br/>previous report SHA-256 <code>{report.previous}</code>" if report.previous else ""
    return f"""<footer lang="en">{place}<code>{report.id}</code> · studio-edge-agent {escape(report.version)} ·
trigger {escape(report.trigger)} · configuration SHA-256 <code>{report.config_sha256}</code>{chain}</footer>"""


def _both(say: Say | Text) -> str:
    return f'<span class="zh" lang="zh-CN">{escape(say.zh)}</span><span class="en" lang="en">{escape(say.en)}</span>'
