"""`%%aureus` and `%aureus`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from IPython.core import magic_arguments
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from aureus_jupyter.errors import AureusError, Bug, UserError
from aureus_magics.config import raise_refused
from aureus_magics.options import COMMANDS, Line, parse_line
from aureus_magics.place import cell_id, is_headless, notebook_path

if TYPE_CHECKING:
    from aureus_jupyter.app import App, Shown

__all__ = ["AureusMagics"]

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("words",), {"nargs": "*", "help": "NAME << assigns the result; %%aureus takes a command, such as help"}),
    (("--as",), {"dest": "kind", "help": "sql or question, when the cell could be either"}),
    (("-o", "--output"), {"help": "name for the result"}),
    (("--purpose",), {"help": "why you read; policies ask for it"}),
    (("--why",), {"help": "why you need it now, where a policy has the run reviewed afterwards"}),
    (("-e", "--engine"), {"help": "alias of the connection"}),
    (("--params",), {"nargs": "+", "help": "name=value ... or a JSON object; $name takes a variable's value"}),
    (("--max-results",), {"type": int, "help": "most rows to return"}),
    (("--dry-run",), {"action": "store_true", "help": "show verdict, what would run and its cost; read nothing"}),
    (("--pack",), {"help": "name or folder of the pack"}),
    (("--frame",), {"help": "pandas, polars or arrow"}),
    (("-A", "--alias"), {"help": "name for a connection that %%aureus connect adds"}),
)


def _documented(function: Function) -> Function:
    """Declare the options, for `%aureus?`; `aureus_magics.options` reads them (decision 4)."""
    made: Any = function
    argument: Any = magic_arguments.argument
    declare: Any = magic_arguments.magic_arguments
    for names, about in reversed(_OPTIONS):
        made = argument(*names, **about)(made)
    return cast("Function", declare()(made))


@magics_class
class AureusMagics(Magics):
    """Parses the line, hands the text over as it is, shows the answer. Decides nothing."""

    @no_var_expand
    @line_cell_magic
    @_documented
    def aureus(self, line: str, cell: str | None = None) -> Any:
        """Run SQL or a question under policy (`%%aureus`), or a command (`%aureus help`).

        A cell shows its result once. With `name <<` or `-o name` the data frame goes to that variable, and only when the run
        finished; without a name it goes to `_` and `Out`. A refused, held or failed cell raises, so that "Run All" and
        papermill stop.
        """
        try:
            self._checked(line, cell)
        except AureusError:
            raise
        except KeyboardInterrupt:
            raise UserError("interrupted", "the cell was interrupted", hint="Run it again.") from None
        except Exception as cause:
            raise Bug(
                "front_door",
                f"the answer could not be handed over ({type(cause).__name__})",
                hint="No variable was changed. Please report it; %tb shows where it happened.",
            ) from cause

    @property
    def _shell(self) -> Any:
        return self.shell

    def _checked(self, line: str, cell: str | None) -> None:
        words = parse_line(line, self._shell.user_ns)
        if cell is not None:
            raise_refused()
            if words.words:
                raise UserError(
                    "unknown_option",
                    f"{words.words[0][:40]!r} on the %%aureus line is neither an option nor a name before <<",
                    hint="Write the statement below the line. See %aureus help.",
                )
            self._cell(words, cell)
        elif not words.words or words.words[0] in COMMANDS:
            self._command(words)
        else:
            raise UserError(
                "unknown_command",
                f"there is no command {words.words[0][:40]!r}",
                hint=f"The commands are {', '.join(COMMANDS)}. SQL goes into a cell that begins with %%aureus.",
            )

    # -- cells -----------------------------------------------------------------------------------------------------

    def _cell(self, words: Line, text: str) -> None:
        app = _app()
        made = self._made(words, text)
        with _Progress() as progress:
            shown = app.dry_run(made) if words.dry_run else app.run(made, progress)
            self._deliver(words, shown, progress)

    def _made(self, words: Line, text: str) -> Any:
        from aureus_jupyter.values.draft import Cell

        return Cell(
            source=text[:-1] if text.endswith("\n") else text,
            kind=words.kind,
            purpose=words.purpose,
            why=words.why,
            engine=words.engine,
            pack=words.pack,
            parameters=words.parameters,
            max_results=words.max_results,
            notebook=notebook_path(self._shell.user_ns),
            cell_id=cell_id(self._shell),
            headless=is_headless(self._shell),
        )

    def _deliver(self, words: Line, shown: Shown, progress: _Progress) -> None:
        """Show the bundle, then raise, or hand the frame over."""
        if shown.run.id or shown.error is None:
            progress.end(shown.bundle)
        if shown.error is not None:
            raise shown.error
        if words.dry_run:
            return
        frame = shown.frame(words.frame)
        if words.output:
            self._shell.user_ns[words.output] = frame
        else:
            # What the display hook does with a cell's value, without showing it a second time.
            self._shell.displayhook.update_user_ns(frame)

    # -- commands --------------------------------------------------------------------------------------------------

    def _command(self, words: Line) -> None:
        app = _app()
        command = words.words[0] if words.words else "help"
        rest = words.words[1:]
        notebook = notebook_path(self._shell.user_ns)
        if command == "resume":
            if len(rest) != 1:
                raise UserError("missing_value", "resume needs the id of a request", hint="Write %aureus resume ID.")
            with _Progress() as progress:
                self._deliver(words, app.resume(rest[0], self._made(words, ""), progress), progress)
            return
        _show(self._page(app, command, rest, words, notebook))

    def _page(self, app: App, command: str, rest: tuple[str, ...], words: Line, notebook: str) -> dict[str, Any]:
        first = rest[0] if rest else ""
        if command == "status":
            return app.status(notebook)
        if command == "whoami":
            return app.whoami(notebook)
        if command == "catalog":
            return app.catalog(" ".join(rest), words.pack, words.purpose)
        if command == "budgets":
            return app.budgets(words.pack, words.purpose)
        if command == "connect":
            if not first:
                raise UserError(
                    "missing_value",
                    "connect needs a file, a folder or a URL",
                    hint="Write %aureus connect data.duckdb.",
                )
            return app.connect(first, words.alias)
        if command == "explain":
            return app.explain(first, notebook)
        if command == "evidence":
            return app.evidence(first, notebook)
        return app.help()


def _app() -> App:
    from aureus_jupyter.app import get_app

    return get_app()


def _show(bundle: dict[str, Any], **more: Any) -> Any:
    """Publish a bundle as it is."""
    from IPython import display

    publish: Any = display.display
    return publish(bundle, raw=True, **more)


class _Progress:
    """A progress bar that appears when work has taken a second and its maker reports.

    The cell's answer takes the place of the bar, so that no empty output stays in the notebook.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> _Progress:
        return self

    def __call__(self, share: float) -> None:
        """Show `share` (0 to 1, or below 0 when unknown)."""
        if self._bar is None and time.monotonic() - self._began < 1.0:
            return
        text = f"Running… {share:.0%}" if share >= 0 else "Running…"
        data = {"text/plain": text, "text/html": f'<progress max="1" value="{max(0.0, share):.2f}"></progress> {text}'}
        if self._bar is None:
            self._bar = _show(data, display_id=True)
        else:
            self._bar.update(data, raw=True)

    def end(self, bundle: dict[str, Any]) -> None:
        """Show the answer where the bar is, or as an output of its own."""
        if self._bar is None:
            _show(bundle)
            return
        bar, self._bar = self._bar, None
        bar.update(bundle, raw=True)

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.update({"text/plain": "", "text/html": ""}, raw=True)
