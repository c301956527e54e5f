"""`aureus policy as PRINCIPAL -- SQL`: what somebody would see of a statement."""

from __future__ import annotations

from aureus_jupyter.app import build
from aureus_jupyter.app.policy.bench import Asking, Bench, Report, bench
from aureus_jupyter.app.policy.words import verdict_words
from aureus_jupyter.errors import AureusError
from aureus_jupyter.service.decisions import Decided
from aureus_jupyter.values.codec import to_dict
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.settings import Settings
from aureus_jupyter.values.verdict import VerdictKind

__all__ = ["seen_as"]


def seen_as(settings: Settings, asking: Asking, sql: str, bind: bool = False) -> Report:
    """Return the verdict on a statement for somebody, its obligations, and the relations it would read in place of the data.

    Reads no data. With `bind` the pack's connection is opened and the statement bound over the relations there, as before a
    run. The exit code is 1 where the statement would not run at once: refused, or held for a yes. Raises what packs, policies
    and connections raise, and UserError and Refused for a statement that cannot be judged.
    """
    on = bench(settings, asking)
    draft = Draft(sql=sql, origin=Origin.SQL)
    facts, verdict = on.judge(draft, on.purpose)
    lines = [f"As {on.who}:", "", *verdict_words(verdict)]
    data = {"who": to_dict(on.principal), "at": on.at, "verdict": to_dict(verdict), "facts": to_dict(facts), "sql": ""}
    if verdict.kind is not VerdictKind.DENY:
        try:
            found = _decided(settings, on, draft, bind)
        except AureusError as error:
            lines += ["", "It would not run all the same:", *error.lines()]
            return Report(lines=lines, data={**data, "error": error.to_dict()}, code=1)
        text = found.plan.rewritten() if found.plan is not None else ""
        lines += [
            "",
            "What would run, over these relations" + (", bound over the data's own:" if bind else ":"),
            "",
            text,
        ]
        data["sql"] = text
    return Report(lines=lines, data=data, code=0 if verdict.kind is VerdictKind.ALLOW else 1)


def _decided(settings: Settings, on: Bench, draft: Draft, bind: bool) -> Decided:
    """Return the decision with its plan; bound over the pack's connection where that is asked for."""
    if not bind:
        return on.decider.decide(draft, on.reader, on.principal, on.purpose)
    engine = build.engine(settings, build.pack_connection(settings, on.pack))
    try:
        found = on.decider.decide(draft, engine, on.principal, on.purpose)
        if found.plan is not None:
            engine.prepare(found.plan, found.datasets)
    finally:
        engine.close()
    return found
