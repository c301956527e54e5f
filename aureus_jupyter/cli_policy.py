"""The command line of policies: test, check, explain, who, as, diff, export."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aureus_jupyter.errors import AureusError, UserError

if TYPE_CHECKING:
    from aureus_jupyter.app.policy.bench import Asking, Report
    from aureus_jupyter.values.settings import Settings

__all__ = ["add_policy_commands"]


def add_policy_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `policy` and what follows it to the commands of `aureus`. Each sets `run`, which returns the exit code."""
    policy = commands.add_parser("policy", help="test, check and try policies").add_subparsers(
        required=True, metavar="COMMAND"
    )
    test = policy.add_parser("test", help="run the tests beside the policies, and say what they cover")
    _folders(test)
    test.add_argument(
        "--min-coverage", type=_percent, default=0.0, metavar="N", help="fail below N per cent of policies that fire"
    )
    test.set_defaults(run=_printed(_test))
    check = policy.add_parser("check", help="find conflicts, policies without effect and datasets nobody may read")
    _folders(check)
    check.add_argument("--strict", action="store_true", help="fail for a warning as well")
    check.set_defaults(run=_printed(_check))
    explain = policy.add_parser("explain", help="say which policies fire, and which nearly do")
    what = explain.add_mutually_exclusive_group()
    what.add_argument("--dataset", default="", help="read whole; default: each dataset of the pack")
    what.add_argument("--sql", default="", help="a statement")
    what.add_argument("--notebook", type=Path, default=None, help="each SQL cell of a notebook")
    _asker(explain)
    explain.set_defaults(run=_printed(_explain))
    who = policy.add_parser("who", help="say who gets which verdict on a dataset")
    who.add_argument("--dataset", required=True)
    _asker(who)
    who.set_defaults(run=_printed(_who))
    seen = policy.add_parser("as", help="say what somebody would see of a statement")
    seen.add_argument("name", metavar="PRINCIPAL")
    seen.add_argument("sql", nargs="+", metavar="SQL", help="the statement, after --")
    seen.add_argument("--bind", action="store_true", help="open the pack's connection and bind the statement there")
    _asker(seen, named=True)
    seen.set_defaults(run=_printed(_as))
    diff = policy.add_parser(
        "diff",
        help="say what changes for a notebook's cells when one folder of policies replaces another",
        description="Exit code: 0 nothing changes, 1 something is loosened, 2 a wrong call, 3 an error, 4 only tightened.",
    )
    diff.add_argument("before", type=Path, metavar="A")
    diff.add_argument("after", type=Path, metavar="B")
    diff.add_argument("--over", type=Path, required=True, metavar="NOTEBOOK")
    _asker(diff)
    diff.set_defaults(run=_diff)
    _add_export(policy)


def _add_export(policy: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = policy.add_parser(
        "export",
        help="write the policies as an engine's own statements",
        description="What the engine cannot be told, or is not told, is said on standard error. Such data is not granted.",
    )
    export.add_argument("--to", required=True, choices=("postgres-rls", "trino", "snowflake", "databricks"))
    export.add_argument(
        "--role", action="append", required=True, help="a role of the engine and of the policies; more for more"
    )
    export.add_argument(
        "--attribute", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="that each role has"
    )
    export.add_argument("--purpose", default="", help="what the roles read for: engines know no purposes")
    export.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("cap", "budget", "review"),
        help="what the engine need not hold",
    )
    export.add_argument("--out", type=Path, default=None, help="the file to write; default: standard output")
    export.add_argument("--strict", action="store_true", help="fail when something is not expressed")
    export.add_argument("--pack", default="", help="the pack; default: the settings'")
    export.set_defaults(run=_export)


def _folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="*", type=Path, help="default: all that a session would use")
    _common(parser)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pack", default="", help="the pack; default: the settings'")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _asker(parser: argparse.ArgumentParser, named: bool = False) -> None:
    if not named:
        parser.add_argument(
            "--as", dest="name", default="", metavar="PRINCIPAL", help="who asks; default: the settings' own"
        )
    parser.add_argument("--role", action="append", default=[], help="a role; more than once for more")
    parser.add_argument("--group", action="append", default=[], help="a group")
    parser.add_argument("--attribute", action="append", default=[], type=_pair, metavar="NAME=VALUE")
    parser.add_argument("--purpose", default="", help="why; default: the settings'")
    parser.add_argument("--environment", default="", help="what the session is for")
    parser.add_argument("--at", default="", metavar="TIME", help="when, such as 2026-01-31T09:00:00Z; default: now")
    _common(parser)


def _pair(text: str) -> tuple[str, str]:
    name, sep, value = text.partition("=")
    if not sep or not name or not value:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value


def _percent(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 100:
        raise argparse.ArgumentTypeError("write a number from 0 to 100")
    return found


_Make = Callable[[argparse.Namespace], "Report"]


def _printed(make: _Make) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        report = make(options)
        if options.json:
            print(json.dumps(report.data, indent=2, ensure_ascii=False, default=str))
        else:
            print("\n".join(_plain(line) for line in report.lines))
        return report.code

    return run


def _plain(text: str) -> str:
    """Return text that cannot move the cursor over what was printed before; lines stay lines."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _settings() -> Settings:
    from aureus_jupyter.adapters.config.load import load_settings

    return load_settings(Path.cwd())


def _asking(options: argparse.Namespace) -> Asking:
    from aureus_jupyter.app.policy.bench import Asking

    return Asking(
        name=options.name,
        roles=tuple(options.role),
        attributes=(*options.attribute, *(("group", group) for group in options.group)),
        purpose=options.purpose,
        environment=options.environment,
        at=options.at,
        pack=options.pack,
    )


def _test(options: argparse.Namespace) -> Report:
    from aureus_jupyter.app.policy.checking import run_tests

    return run_tests(_settings(), options.pack, options.folders, options.min_coverage)


def _check(options: argparse.Namespace) -> Report:
    from aureus_jupyter.app.policy.checking import check

    return check(_settings(), options.pack, options.folders, options.strict)


def _explain(options: argparse.Namespace) -> Report:
    from aureus_jupyter.app.policy.explain import explain

    return explain(_settings(), _asking(options), options.dataset, options.sql, options.notebook)


def _who(options: argparse.Namespace) -> Report:
    from aureus_jupyter.app.policy.who import who

    return who(_settings(), _asking(options), options.dataset)


def _as(options: argparse.Namespace) -> Report:
    from aureus_jupyter.app.policy.seen import seen_as

    if not options.name.strip():
        raise UserError(
            "bad_option", "the principal has no name", hint="Write aureus policy as NAME --role ROLE -- SQL."
        )
    return seen_as(_settings(), _asking(options), " ".join(options.sql), options.bind)


def _diff(options: argparse.Namespace) -> int:
    """Say what changes. An error has a code of its own, so that a gate does not take it for a finding."""
    from aureus_jupyter.app.policy.diff import FAILED, diff

    try:
        return _printed(lambda o: diff(_settings(), _asking(o), o.before, o.after, o.over))(options)
    except AureusError as error:
        print("\n".join(error.lines()), file=sys.stderr)
    except OSError as error:
        print(
            f"Unavailable [file]: {error.filename or 'a file'}: {error.strerror or type(error).__name__}",
            file=sys.stderr,
        )
    return FAILED


def _export(options: argparse.Namespace) -> int:
    from aureus_jupyter.app.exporting import export

    settings = _settings()
    settings = replace(settings, pack=options.pack or settings.pack)
    found = export(settings, options.to, options.role, options.attribute, options.purpose, options.without)
    if options.out is None:
        print(found.text, end="")
    else:
        options.out.write_text(found.text, "utf-8")
    for one in found.unexpressed:
        place = " ".join(filter(None, (one.dataset, one.role and f"for {one.role}", one.policy and f"({one.policy})")))
        print(_plain(f"{place or options.to}: {one.why}"), file=sys.stderr)
    return 1 if options.strict and found.unexpressed else 0
