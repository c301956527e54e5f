"""Run the tests once against the built wheel instead of the checkout.

Copies the files that git knows to an empty folder, builds sdist and wheel there, unpacks the wheel to a folder of its own, and
runs the copied tests with that folder first on the path. Browser tests are left out: they look at the front end, not at Python
packaging. Arguments go to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_HERE = "not browser and not wheel and not slow"


def clean_copy(root: Path, into: Path) -> Path:
    """Copy what git tracks, or would track, to `into`; nothing that is ignored."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (root / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, into / name)
    return into


def build(project: Path, into: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from the sdist, with the tools of this environment; return both."""
    _build(project, into)
    (sdist,), (wheel,) = into.glob("*.tar.gz"), into.glob("*.whl")
    return sdist, wheel


def build_wheel(project: Path, into: Path) -> Path:
    """Build the wheel straight from a folder."""
    _build(project, into, "--wheel")
    (wheel,) = into.glob("*.whl")
    return wheel


def _build(project: Path, into: Path, *options: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", str(into)]
    done = subprocess.run([*command, *options, str(project)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The package does not build.\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def install(wheel: Path, into: Path) -> Path:
    """Install the wheel, without what it depends on, into a folder."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(into), str(wheel)], check=True)
    return into


def main(arguments: list[str]) -> int:
    """Build, install, run; return pytest's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        copy = clean_copy(ROOT, base / "project" / "checkout")
        _, wheel = build(copy, base / "dist")
        site = install(wheel, base / "site")
        shared = ROOT.parent / "shared"
        if shared.is_dir():
            (base / "project" / "shared").symlink_to(shared.resolve(), target_is_directory=True)
        # What was built for the checkout, such as `opa`, is not in the copy.
        path = os.pathsep.join([str(ROOT / ".stamp" / "bin"), os.environ.get("PATH", "")])
        env = os.environ | {"PATH": path, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
        probe = (
            "import aureus_jupyter, aureus_magics; print(aureus_jupyter.__file__, aureus_magics.__file__, sep='\\n')"
        )
        found = subprocess.run(
            [sys.executable, "-c", probe], cwd=copy, env=env, check=True, capture_output=True, text=True
        )
        if any(not Path(line).is_relative_to(site) for line in found.stdout.split()):
            print(f"The tests would not see the wheel: {found.stdout}", file=sys.stderr)
            return 1
        pytest = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "--dist",
            "loadfile",
            "-o",
            "pythonpath=tests",
            "-m",
            NOT_HERE,
        ]
        return subprocess.run([*pytest, *arguments], cwd=copy, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
