"""Papermill's way in: the same notebook as a scheduled pipeline.

`papermill --engine aureus in.ipynb out.ipynb` runs cells as papermill does and tells the kernel where the output
notebook will be, so that evidence lands next to it. A refused, held or failed cell raises: the run exits non-zero.
The notebook's parameters `aureus_purpose` and `aureus_principal` say why it reads and for whom, and `aureus_why` gives the
reason that a review asks for, as `AUREUS_PURPOSE`, `AUREUS_PRINCIPAL` and `AUREUS_WHY` do: whoever starts the pipeline sets
both kinds. A parameter counts before the environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from papermill import clientwrap, utils
from papermill.engines import NBClientEngine
from papermill.log import logger

from aureus_jupyter.adapters.config.checked import malformed

__all__ = ["AureusEngine"]


class _Client(clientwrap.PapermillNotebookClient):
    """Papermill's client, which also tells the kernel the id of each cell, as JupyterLab does."""

    def execute_cell(self, cell: Any, cell_index: int, **more: Any) -> Any:
        """Run one cell. The id travels as the message's `cellId`, which evidence keeps."""
        kernel: Any = self.kc
        kernel.session.metadata = {"cellId": cell.get("id", "")}
        run: Any = super().execute_cell
        return run(cell, cell_index, **more)


class AureusEngine(NBClientEngine):
    """Runs a notebook with `AUREUS_NOTEBOOK` set to the output's path and `AUREUS_INPUT_NOTEBOOK` to the input's.

    Does not answer prompts and does not wait for approvals: papermill has nobody to ask. Raises UserError `config_malformed`
    for a parameter of ours that is no text.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Execute the notebook `nb_man` manages, in a kernel that knows the notebook's path.

        Raises what papermill's own engine raises.
        """
        # papermill carries no types.
        merge: Any = utils.merge_kwargs
        remove: Any = utils.remove_args
        client: Any = _Client
        final = merge(
            remove(["input_path", "timeout", "startup_timeout"], **kwargs),
            timeout=execution_timeout if execution_timeout else kwargs.get("timeout"),
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
        )
        return client(nb_man, **final).execute(env=_environment(nb_man.nb.metadata))


_PARAMETERS = {
    "aureus_purpose": "AUREUS_PURPOSE",
    "aureus_principal": "AUREUS_PRINCIPAL",
    "aureus_why": "AUREUS_WHY",
}


def _environment(metadata: Any) -> dict[str, str]:
    papermill = metadata.get("papermill") or {}
    parameters = papermill.get("parameters") or {}
    for name in parameters:
        if str(name).startswith("aureus_") and name not in _PARAMETERS:
            raise malformed("papermill", str(name)[:60], f"one of {' or '.join(_PARAMETERS)}")
    told = {variable: parameters[name] for name, variable in _PARAMETERS.items() if name in parameters}
    for variable, value in told.items():
        if not isinstance(value, str) or "\0" in value:
            raise malformed("papermill", variable.lower(), "a text")
    paths = {
        "AUREUS_NOTEBOOK": papermill.get("output_path"),
        "AUREUS_INPUT_NOTEBOOK": papermill.get("input_path"),
    }
    known = {name: str(Path(path).resolve()) for name, path in paths.items() if path and "://" not in str(path)}
    return {**os.environ, **known, **told}
