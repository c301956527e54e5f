"""A pytest plugin: with `--coverage-floor`, the run fails unless the parts below are wholly covered, lines and branches.

It needs pytest-cov (`--cov`). It speaks before pytest's closing line, which stays the last one.
"""

from __future__ import annotations

import io
from pathlib import Path

import coverage
import pytest

WHOLE = ("aureus_jupyter/core/*", "aureus_jupyter/values/*", "aureus_jupyter/errors.py")
REPORT = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--coverage-floor", action="store_true", help="fail unless core, values and errors are wholly covered"
    )


def below_floor(root: Path) -> str:
    """Return the report of what is not wholly covered; empty when all is."""
    measured = coverage.Coverage(data_file=str(root / ".coverage"), config_file=str(root / "pyproject.toml"))
    measured.load()
    text = io.StringIO()
    try:
        total = measured.report(
            include=[str(root / part) for part in WHOLE], file=text, show_missing=True, skip_covered=True
        )
    except coverage.exceptions.NoDataError:
        return "nothing was measured"
    return "" if total == 100.0 else text.getvalue()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Measure after pytest-cov has written its data and before the summary is printed."""
    # A worker of pytest-xdist has measured its part only; the process that started it puts the parts together.
    if not session.config.getoption("--coverage-floor") or hasattr(session.config, "workerinput"):
        return
    report = below_floor(session.config.rootpath)
    session.config.stash[REPORT] = report
    if report and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what is below the floor, if anything."""
    if report := config.stash.get(REPORT, ""):
        terminalreporter.section("core, values and errors must be wholly covered", red=True)
        terminalreporter.write_line(report)
