"""Build the JupyterLab extension, or check that the committed build is exactly what its sources give.

`python .ci/tools/front_end.py build` builds into aureus_jupyter/labextension and records the digest of the sources;
`check` builds again and compares byte by byte. Both need `labextension/node_modules` (make .stamp/node).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("src", "style", "package.json", "tsconfig.json", "webpack.config.js", "yarn.lock")


def sources_digest(root: Path) -> str:
    """Return the SHA-256 over names and bytes of all that the build is made from; line ends do not count."""
    folder = root / "labextension"
    files = [
        p for part in PARTS for p in ([folder / part] if (folder / part).is_file() else (folder / part).rglob("*"))
    ]
    digest = hashlib.sha256()
    for path in sorted(p for p in files if p.is_file()):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its relative name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def build(root: Path) -> None:
    """Build for production, in place. Raises CalledProcessError with the builder's words in `output`."""
    env = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
    command = ["jlpm", "build:prod"]
    subprocess.run(
        command, cwd=root / "labextension", env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def differences(root: Path) -> list[str]:
    """Build again and name the files that differ from those that were there; a failed build puts those back."""
    built = root / "aureus_jupyter" / "labextension"
    with tempfile.TemporaryDirectory() as kept_in:
        kept = Path(kept_in) / "labextension"
        shutil.copytree(built, kept)
        try:
            build(root)
        except subprocess.CalledProcessError:
            shutil.rmtree(built, ignore_errors=True)
            shutil.copytree(kept, built)
            raise
        before, after = contents(kept), contents(built)
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def main(arguments: list[str]) -> int:
    """Do what was asked; return the exit status."""
    record = ROOT / "labextension" / "built-from.sha256"
    try:
        if arguments == ["build"]:
            build(ROOT)
            record.write_text(sources_digest(ROOT) + "\n", "utf-8")
            return 0
        if arguments == ["check"]:
            if changed := differences(ROOT):
                print(
                    "The committed front end was not what its sources give. Run `make front-end` and commit:",
                    *changed,
                    sep="\n  ",
                )
            return 1 if changed else 0
    except subprocess.CalledProcessError as error:
        print(error.output.decode("utf-8", "replace"), "The front end does not build.", sep="\n", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
