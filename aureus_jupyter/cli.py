"""The command line: verify, approve, demo, packs, policies, seeds, onboard."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aureus_jupyter.cli_policy import add_policy_commands
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.evidence import Verification

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 when all is well, 1 when something is wrong, 2 for a wrong call."""
    for stream in (sys.stdout, sys.stderr):
        # A file's name need not be text; a line that cannot be written must not end the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except AureusError as error:
        print("\n".join(error.lines()), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # The reader of our output has gone; leave without a traceback.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        print(
            f"Unavailable [file]: {error.filename or 'a file'}: {error.strerror or type(error).__name__}",
            file=sys.stderr,
        )
        print("Hint: check that the place exists and that you may write there.", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    from aureus_jupyter._version import __version__

    parser = argparse.ArgumentParser(prog="aureus", description="Governed analytics for Jupyter.")
    parser.add_argument("--version", action="version", version=f"aureus {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    verify = commands.add_parser("verify", help="check evidence, offline")
    verify.add_argument("paths", nargs="+", type=Path, help="packs, or folders that hold some")
    verify.add_argument("--trust", type=Path, default=None, help="the trust file; default: this account's own")
    verify.set_defaults(run=_verify)
    approve = commands.add_parser("approve", help="sign a yes or no to a request")
    approve.add_argument("request", type=Path, help="the request's folder, or the evidence folder of the held run")
    approve.add_argument("--yes", action="store_true", help="sign a yes; without it the request is only shown")
    approve.add_argument("--reject", action="store_true", help="sign a no")
    approve.add_argument("--note", default="", help="why")
    approve.add_argument("--days", type=int, default=7, help="how long the yes is valid")
    approve.add_argument(
        "--as", dest="name", default="", help="your name as the contract writes it; default: the settings'"
    )
    approve.set_defaults(run=_approve)
    trust = commands.add_parser("trust", help="add an approver's public key to the trust file")
    trust.add_argument("public", type=Path, help="a file written by: aureus key")
    trust.set_defaults(run=_trust)
    key = commands.add_parser("key", help="write your public key, for the trust files of others")
    key.add_argument("out", type=Path, help="the file to write")
    key.add_argument(
        "--as", dest="name", default="", help="your name as the contract writes it; default: the settings'"
    )
    key.set_defaults(run=_key)
    _data_commands(commands)
    return parser


def _data_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    pack = commands.add_parser("pack", help="check packs").add_subparsers(required=True, metavar="COMMAND")
    validate = pack.add_parser("validate", help="name everything that is wrong with a pack")
    validate.add_argument("path", type=Path)
    validate.set_defaults(run=_validate)
    add_policy_commands(commands)
    onboard = commands.add_parser("onboard", help="draft a pack from data, as files to review")
    onboard.add_argument("location", help="a CSV, Parquet or DuckDB file, a folder of CSV or Parquet files, or a URL")
    onboard.add_argument("out", type=Path, help="the folder of the new pack")
    onboard.add_argument("--name", default="", help="the pack's name; default: the folder's")
    onboard.add_argument("--force", action="store_true", help="replace a pack that was drafted before")
    onboard.set_defaults(run=_onboard)
    proof = commands.add_parser("selftest", help="attack this installation with the published corpus")
    proof.add_argument(
        "--url",
        default="",
        help="also on this PostgreSQL: an account that may make schemas, and is not the database's owner; the schemas "
        "aureus_selftest and aureus_selftest_views are made and dropped",
    )
    proof.add_argument(
        "--corpus", type=Path, default=None, help="another corpus: a folder with attacks, legitimate and world"
    )
    proof.set_defaults(run=_selftest)
    demo = commands.add_parser("demo", help="run the demo notebook headless and verify its evidence")
    demo.add_argument("--out", type=Path, default=Path("demo-output"), help="where the notebook and the evidence go")
    demo.add_argument("--rows", type=int, default=0, help="loans to generate; default: the pack's 250,000")
    demo.set_defaults(run=_demo)


def _verify(options: argparse.Namespace) -> int:
    from aureus_jupyter.adapters.config.load import load_settings
    from aureus_jupyter.app.build import trust_path
    from aureus_jupyter.app.verify import verify_paths

    trust = options.trust or trust_path(load_settings(Path.cwd()))
    found = verify_paths(options.paths, trust, must_exist=options.trust is not None)
    for one in found:
        print(
            f"{_standing(one)}  {_plain(one.verdict):8} {_plain(one.path)}"
            + (f"  signed by {one.signer}" if one.ok else "")
        )
        for review in one.reviews:
            print(f"    {_plain(review)}")
        for finding in one.findings:
            print(f"    {_plain(finding.file)}: {_plain(finding.why)} [{finding.code}]")
    words = [_standing(one).strip().lower() for one in found]
    others = "".join(f" {words.count(word)} {word}," for word in ("unknown", "unsealed") if word in words)
    print(f"{words.count('verified')} verified,{others} {words.count('broken')} broken")
    if "unknown" in words:
        print(
            f"Unknown: signed or approved with a key that {_plain(str(trust))} does not hold for that, so nothing is said "
            "for or against it."
        )
    return 0 if all(one.ok for one in found) else 1


def _standing(one: Verification) -> str:
    """Return the word for a pack: nothing speaks against one whose signer the trust file does not know, and nothing for it."""
    if one.ok:
        return "verified"
    codes = {finding.code for finding in one.findings}
    if codes == {"unsealed"}:
        return "UNSEALED"
    return "UNKNOWN " if codes <= {"unknown_key", "unknown_approver"} else "BROKEN  "


def _plain(text: str) -> str:
    """Return text that cannot move the cursor over what was printed before."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _approve(options: argparse.Namespace) -> int:
    from aureus_jupyter.app.approving import approve, shown

    if not options.yes and not options.reject:
        print(f"{shown(options.request)}\n\nNothing was signed. Add --yes to approve of exactly this, or --reject.")
        return 1
    print(approve(options.request, options.name, not options.reject, options.note, options.days))
    return 0


def _key(options: argparse.Namespace) -> int:
    from aureus_jupyter.app.approving import write_public_key

    print(write_public_key(options.out, options.name))
    return 0


def _trust(options: argparse.Namespace) -> int:
    from aureus_jupyter.app.approving import trust_public_key

    print(trust_public_key(options.public))
    return 0


def _validate(options: argparse.Namespace) -> int:
    from aureus_jupyter.adapters.config.load import load_settings
    from aureus_jupyter.app.packs import check_pack

    found = check_pack(options.path, load_settings(Path.cwd()))
    for problem in found:
        print(_plain(str(problem)))
    wrong = sum(not problem.warning for problem in found)
    more = len(found) - wrong
    warned = f", {more} warning{'s' * (more != 1)}" if more else ""
    print(f"{options.path.resolve().name}: {wrong or 'no'} problem{'s' * (wrong != 1)}{warned}")
    return 1 if wrong else 0


def _onboard(options: argparse.Namespace) -> int:
    from aureus_jupyter.app.onboarding import onboard_location

    report = onboard_location(options.location, options.out, options.name or options.out.name, options.force)
    print(report.text())
    return 0


def _selftest(options: argparse.Namespace) -> int:
    from aureus_jupyter.app.selftest import run_selftest

    report = run_selftest(options.url, options.corpus)
    print(_plain_lines(report.text()))
    return 0 if report.holds else 1


def _plain_lines(text: str) -> str:
    return "\n".join(_plain(line) for line in text.splitlines())


def _demo(options: argparse.Namespace) -> int:
    from aureus_jupyter.app.demo import run_demo

    return run_demo(options.out, options.rows)
