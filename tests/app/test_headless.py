"""The same notebook as a pipeline: papermill with our engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from aureus_jupyter.cli import main
from aureus_jupyter.errors import UserError

SUMMARY = "%%aureus s <<\nSELECT country, sum(ead) AS exposure FROM loan GROUP BY country ORDER BY country"
LIMITS = "%%aureus\nSELECT borrower_id, limit_amount FROM exposure_limit ORDER BY limit_id LIMIT 3"


@pytest.fixture
def environment(quiet_home: Path, root: Path) -> dict[str, str]:
    """What a scheduler sets."""
    return {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{root / 'magics'}",
        "AUREUS_PRINCIPAL": "svc.reports",
        "AUREUS_ROLES": "data_scientist",
        "AUREUS_ATTRIBUTES": "jurisdiction=CZ",
        "AUREUS_PURPOSE": "regulatory_reporting",
        "AUREUS_SEED_ROWS": "2000",
        "PYTHONWARNINGS": "ignore",
    }


def papermill(
    tmp_path: Path, environment: dict[str, str], *cells: str, out: str = "out.ipynb", parameters: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a notebook of `cells` through the command line, as a scheduler does."""
    made = new_notebook(
        cells=[new_code_cell("%load_ext aureus_jupyter"), *map(new_code_cell, cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(made, tmp_path / "in.ipynb")
    return subprocess.run(
        [sys.executable, "-m", "papermill", "--engine", "aureus", "--no-progress-bar", "in.ipynb", out, *parameters],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )


def statement(folder: Path) -> dict[str, object]:
    import base64

    envelope = json.loads((folder / "statement.dsse.json").read_text())
    value: dict[str, object] = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    return value


def test_an_allowed_notebook_exits_zero(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "results").mkdir()
    done = papermill(tmp_path, environment, SUMMARY, "assert len(s) == 5", out="results/out.ipynb")
    assert done.returncode == 0, done.stderr
    (pack,) = (tmp_path / "results" / "out.aureus" / "runs").iterdir()
    about = statement(pack)
    assert about["outcome"] == "allowed"
    assert about["purpose"] == "regulatory_reporting"
    assert about["principal"]["name"] == "svc.reports"
    assert str(about["notebook"]).endswith("results/out.ipynb")
    cells = nbformat.read(tmp_path / "results" / "out.ipynb", 4).cells
    assert about["cell"]["id"] in {c.id for c in cells}
    assert json.loads((pack / "record.json").read_text())["inputs"]["headless"] is True
    assert main(["verify", str(tmp_path / "results")]) == 0


@pytest.mark.parametrize(
    ("cell", "outcome", "code"),
    [
        ("%%aureus --purpose marketing\nSELECT full_name FROM borrower", "refused", "purpose_not_allowed"),
        (LIMITS, "waiting", "approval_required"),
        ("%%aureus\nSELECT max(cast(country AS INTEGER)) FROM loan", "failed", "data_error"),
    ],
)
def test_a_cell_that_does_not_run_fails_the_run(
    cell: str, outcome: str, code: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    done = papermill(tmp_path, environment, cell, "raise SystemExit('the next cell must not run')")
    assert done.returncode != 0
    assert code in done.stderr
    assert "the next cell must not run" not in done.stderr
    (pack,) = (tmp_path / "out.aureus" / "runs").iterdir()
    assert statement(pack)["outcome"] == outcome
    assert main(["verify", str(tmp_path)]) == 0
    written = nbformat.read(tmp_path / "out.ipynb", 4)
    errors = [o for c in written.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "error"]
    assert len(errors[0].traceback) == 2


def test_an_approval_given_earlier_is_honoured(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert papermill(tmp_path, environment, LIMITS).returncode != 0
    (request,) = (tmp_path / "out.aureus" / "approvals").iterdir()
    with monkeypatch.context() as approver:
        approver.setenv("AUREUS_PRINCIPAL", "martin.kral")
        approver.setenv("AUREUS_KEYS_DIR", str(tmp_path / "his keys"))
        assert main(["key", str(tmp_path / "his.json")]) == 0
        assert main(["approve", str(request), "--yes"]) == 0
    assert main(["trust", str(tmp_path / "his.json")]) == 0
    again = papermill(tmp_path, environment, LIMITS)
    assert again.returncode == 0, again.stderr
    (tmp_path / "out.aureus").rename(tmp_path / "in.aureus")
    beside = papermill(tmp_path, environment, LIMITS, out="later.ipynb")
    assert beside.returncode == 0, "answered beside the notebook itself"
    (tmp_path / "in.aureus").rename(tmp_path / "out.aureus")
    elsewhere = {**environment, "AUREUS_APPROVALS_FOLDER": str(tmp_path / "out.aureus")}
    assert papermill(tmp_path, elsewhere, LIMITS, out="other.ipynb").returncode == 0
    assert main(["verify", str(tmp_path)]) == 0


def test_purpose_from_parameters(tmp_path: Path, environment: dict[str, str]) -> None:
    bare = {k: v for k, v in environment.items() if k != "AUREUS_PURPOSE"}
    config = "purpose = 'model_validation'\n%config Aureus.purpose = purpose"
    assert papermill(tmp_path, bare, SUMMARY).returncode != 0
    done = papermill(tmp_path, bare, config, SUMMARY, out="second.ipynb")
    assert done.returncode == 0, done.stderr


def test_purpose_and_principal_from_the_notebooks_parameters(tmp_path: Path, environment: dict[str, str]) -> None:
    del environment["AUREUS_PURPOSE"]
    told = ["-p", "aureus_purpose", "regulatory_reporting", "-p", "aureus_principal", "svc.nightly"]
    told += ["-p", "aureus_why", "The monthly report"]
    done = papermill(tmp_path, environment, SUMMARY, parameters=told)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "out.aureus" / "runs").iterdir()
    page = (folder / "evidence.md").read_text().replace("\\", "")
    assert "| Who | svc.nightly (known from environment" in page
    assert "| Purpose | regulatory_reporting |" in page
    assert json.loads((folder / "record.json").read_text())["inputs"]["why"] == "The monthly report"


@pytest.mark.parametrize(("value", "code"), [("7", "config_malformed"), ("marketing", "purpose_not_allowed")])
def test_a_purpose_parameter_that_does_not_do(
    value: str, code: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    done = papermill(tmp_path, environment, SUMMARY, parameters=["-p", "aureus_purpose", value])
    assert done.returncode != 0
    assert f"[{code}]" in done.stdout + done.stderr


def test_a_slip_in_a_parameters_name_is_refused() -> None:
    """papermill warns of the right name as of a wrong one, so nobody would see that the run read for another purpose."""
    # papermill loads its engines, ours among them, while it is imported: not before it.
    import papermill.engines  # noqa: F401

    from aureus_jupyter.headless import _environment

    with pytest.raises(UserError) as caught:
        _environment({"papermill": {"parameters": {"aureus_purpos": "x"}}})
    assert caught.value.code == "config_malformed"
    assert "aureus_purpose" in caught.value.message
    assert _environment({"papermill": {"parameters": {"limit": 5}}})
