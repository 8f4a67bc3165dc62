"""What the verbs about reports do: list and fetch self-tests."""

import json
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Any

from agent.app.house import House
from agent.app.parts import part_of
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.service_args import ReportGet, ReportList
from agent.messaging.verbs import Job, Verb
from agent.selftest.notes import Note, Notes
from agent.selftest.report import Report
from agent.selftest.store import ReportStore
from config.units import Text


class ReportVerbs:
    """report.list, report.get."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("report.list", ReportList, self._list),
            Verb("report.get", ReportGet, self._get),
        ]
        return {verb.name: verb for verb in verbs}

    async def _list(self, args: ReportList, job: Job) -> Mapping[str, Any]:
        state = self._house.config.agent.state_dir

        def read() -> tuple[list[Report], tuple[Note, ...]]:
            return list(islice(ReportStore(state).newest_first(), args.first)), Notes(state).latest()

        reports, notes = await self._house.on_disk(read)
        return {
            "reports": [
                report.summary().body() | {"number": report.number, "trigger": report.trigger} for report in reports
            ],
            "notes": [note.model_dump(exclude={"previous"}) for note in notes],
        }

    async def _get(self, args: ReportGet, job: Job) -> Mapping[str, Any]:
        store = ReportStore(self._house.config.agent.state_dir)
        wanted = store.latest if args.id == "latest" else partial(store.find, args.id)
        report: Report | None = await self._house.on_disk(wanted)
        if report is None:
            said = Text(
                f"report {args.id}; report.list shows those there are", f"报告 {args.id}；可用 report.list 查看"
            )
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        about = {"id": report.id, "number": report.number, "verdict": str(report.verdict)}
        return about | part_of(json.loads(report.to_json()), args.part)
