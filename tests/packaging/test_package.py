"""What is in the built package, and that each way to install it works: the wheel made from the sdist, and editable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from tools import tool

pytestmark = [pytest.mark.wheel, pytest.mark.slow]

LAB = "share/jupyter/labextensions/@aureus/lab"
LOAD = (
    "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); "
    "s.run_line_magic('load_ext', 'aureus_jupyter'); "
    "print(s.find_cell_magic('aureus') is not None, s.find_line_magic('aureus') is not None)"
)
WHERE = "import aureus_jupyter as a, aureus_magics as m; print(a.__file__, m.__file__, sep='\\n')"
FOUND = (
    "from aureus_jupyter.adapters.catalogs.find import data_dirs, find_pack; "
    "print(find_pack('credit-risk'), *data_dirs('policies'), sep='\\n')"
)


@dataclass(frozen=True)
class Place:
    """An environment that holds our package alone and borrows everything else from the one the tests run in."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command from an empty folder with an empty home; nothing of the checkout is in sight."""
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        home = {
            "HOME": str(empty),
            "IPYTHONDIR": str(empty / "ipython"),
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
        }
        return subprocess.run(command, cwd=empty, env=home, capture_output=True, text=True, check=False)

    def python_says(self, code: str) -> str:
        """Return what a line of Python prints there; a failure shows what it wrote."""
        done = self.run(str(self.python), "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def new_place(folder: Path) -> Place:
    """Make an environment that sees this one's packages, but not this one's `aureus_jupyter`."""
    venv.create(folder, symlinks=True, with_pip=False)
    place = Place(folder)
    site = next((folder / "lib").glob("python3*/site-packages"))
    # A plain line of a .pth file adds that folder, and does not read the .pth files in it: an editable install is not borrowed.
    # Hooks of other packages' .pth files are not needed here.
    (site / "borrowed.pth").write_text("".join(f"{p}\n" for p in sys.path if p.endswith("site-packages")), "utf-8")
    return place


def install(place: Place, *what: str) -> None:
    """Install into a place with this environment's pip: no index, no build environment, no network."""
    pip = [sys.executable, "-m", "pip", "--python", str(place.python), "install", "--quiet", "--no-deps", "--no-index"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--force-reinstall"]
    done = subprocess.run(
        [*pip, *options, *what], capture_output=True, text=True, check=False, env=os.environ | {"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheel_check() -> ModuleType:
    module: ModuleType = tool("wheel_check")
    return module


@pytest.fixture(scope="session")
def checkout(root: Path, wheel_check: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the project: what git knows, nothing that is ignored."""
    copy: Path = wheel_check.clean_copy(root, tmp_path_factory.mktemp("clean") / "checkout")
    return copy


@pytest.fixture(scope="session")
def built(checkout: Path, wheel_check: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel built from that sdist."""
    both: tuple[Path, Path] = wheel_check.build(checkout, tmp_path_factory.mktemp("dist"))
    return both


@pytest.fixture(scope="session")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with the wheel."""
    place = new_place(tmp_path_factory.mktemp("wheel") / "env")
    install(place, str(built[1]))
    return place


@pytest.fixture(scope="session")
def editable(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with an editable install of the clean copy, made without Node on the path."""
    place = new_place(tmp_path_factory.mktemp("editable") / "env")
    install(place, "--editable", str(checkout))
    return place


@pytest.fixture(params=["installed", "editable"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def names(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}


def below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def test_each_install_imports_itself_and_not_the_checkout_of_these_tests(
    installed: Place, editable: Place, checkout: Path
) -> None:
    assert [Path(p).is_relative_to(installed.folder) for p in installed.python_says(WHERE).split()] == [True, True]
    assert [Path(p).is_relative_to(checkout) for p in editable.python_says(WHERE).split()] == [True, True]


def test_the_extension_loads(place: Place) -> None:
    assert place.python_says(LOAD).splitlines()[-1] == "True True"


def test_packs_and_policies_are_found(place: Place) -> None:
    folders = [Path(line) for line in place.python_says(FOUND).splitlines()]
    assert (folders[0] / "pack.yaml").is_file()
    assert len(folders) == 2
    assert list(folders[1].glob("*.policy.yaml"))


def test_an_editable_install_reads_the_live_packs(editable: Place, checkout: Path) -> None:
    assert [Path(line).parent for line in editable.python_says(FOUND).splitlines()] == [checkout / "packs", checkout]


def test_the_command_says_its_version(place: Place, checkout: Path) -> None:
    version = json.loads((checkout / "labextension" / "package.json").read_text("utf-8"))["version"]
    done = place.run(str(place.folder / "bin" / "aureus"), "--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"aureus {version}")


def test_jupyterlab_finds_the_front_end(place: Place, checkout: Path) -> None:
    folder = place.folder / LAB
    built = checkout / "aureus_jupyter" / "labextension"
    assert below(folder) == below(built) | {"install.json"}
    assert all((folder / name).read_bytes() == (built / name).read_bytes() for name in below(built))
    code = (
        "from jupyterlab.labapp import LabApp; from jupyterlab_server.config import get_federated_extensions; "
        f"print(*get_federated_extensions([{str(place.folder / 'share/jupyter/labextensions')!r}]))"
    )
    assert place.python_says(code) == "@aureus/lab"


def test_the_wheel_holds_all_the_code_and_data_and_nothing_else(built: tuple[Path, Path], checkout: Path) -> None:
    expected = {
        *(f"aureus_jupyter/{n}" for n in below(checkout / "aureus_jupyter") if not n.startswith("labextension/")),
        *(f"aureus_magics/{n}" for n in below(checkout / "magics" / "aureus_magics")),
        *(f"aureus_jupyter/_data/packs/{n}" for n in below(checkout / "packs")),
        *(f"aureus_jupyter/_data/policies/{n}" for n in below(checkout / "policies")),
        *(
            f"aureus_jupyter/_data/corpus/{part}/{n}"
            for part in ("attacks", "legitimate", "world")
            for n in below(checkout / "tests" / "corpus" / part)
        ),
        "aureus_jupyter/_version.py",
    }
    assert {name for name in names(built[1]) if ".dist-info/" not in name and ".data/" not in name} == expected


def test_what_is_not_known_to_git_is_not_shipped(built: tuple[Path, Path], checkout: Path) -> None:
    with tarfile.open(built[0]) as sdist:
        shipped = {m.name.partition("/")[2] for m in sdist.getmembers() if m.isfile()}
    assert shipped - below(checkout) == {"PKG-INFO"}
    left_out = below(checkout) - shipped - {"aureus_jupyter/_version.py"}
    assert {name.split("/")[0] for name in left_out} <= {".ci"}


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_checkout(
    built: tuple[Path, Path], checkout: Path, wheel_check: ModuleType, tmp_path: Path
) -> None:
    direct = wheel_check.build_wheel(checkout, tmp_path)
    assert names(direct) == names(built[1])
    pairs = [(zipfile.ZipFile(w).read(n) for w in (direct, built[1])) for n in sorted(names(direct))]
    assert all(len(set(pair)) == 1 for pair in pairs)


def test_the_package_says_what_it_is(built: tuple[Path, Path]) -> None:
    (name,) = (n for n in names(built[1]) if n.endswith(".dist-info/METADATA"))
    metadata = zipfile.ZipFile(built[1]).read(name).decode()
    assert "\nName: aureus-jupyter\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
