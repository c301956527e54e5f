"""From settings to the parts a session is made of. Each part is made when it is first needed."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aureus_jupyter import plugins
from aureus_jupyter.adapters.catalogs.find import data_dirs, find_pack
from aureus_jupyter.adapters.config.connections import Connection, connection_of, from_ini, resolved_url
from aureus_jupyter.adapters.config.load import RULE_SETTINGS
from aureus_jupyter.adapters.config.secrets import resolve
from aureus_jupyter.app.opa import bundle_files, with_opa
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import Unavailable, UserError
from aureus_jupyter.ports import (
    Clock,
    Copilot,
    Engine,
    Ledger,
    Limits,
    OverlapLedger,
    PolicyEngine,
    Progress,
    ResultTable,
    Signer,
)
from aureus_jupyter.service.approvals import ApprovalBox, Approvals
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.evidence import PackFile, TrustedKey
from aureus_jupyter.values.ids import utc_text
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.settings import Settings

__all__ = [
    "approvals",
    "bytes_of",
    "catalog",
    "connections",
    "copilot",
    "data_folder",
    "decider",
    "engine",
    "environment",
    "evidence_folder",
    "keys_folder",
    "ledger",
    "limits",
    "mask_key",
    "overlaps",
    "pack_connection",
    "pack_folder",
    "policies",
    "policy_folders",
    "principal",
    "rows_in_evidence",
    "rule_files",
    "rules_are_fixed",
    "runner_signer",
    "stamp",
    "trust_path",
]


def data_folder() -> Path:
    """Return our folder in Jupyter's data directory."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "aureus"


def keys_folder(settings: Settings) -> Path:
    """Return where private keys are."""
    return Path(settings.keys_dir).expanduser() if settings.keys_dir else data_folder() / "keys"


def trust_path(settings: Settings) -> Path:
    """Return where the trust file is."""
    return Path(settings.trust_file).expanduser() if settings.trust_file else data_folder() / "trust.json"


def principal(settings: Settings) -> Principal:
    """Return who runs cells, and in `source` where each part of it was set: evidence must not hide a role somebody took."""
    origins = dict(settings.origins)
    parts = [f"{name} from {_origin(origins[name])}" for name in ("roles", "attributes") if name in origins]
    return Principal(
        name=settings.principal,
        roles=tuple(sorted(settings.roles)),
        attributes=tuple(sorted(settings.attributes)),
        source=", ".join([settings.principal_source, *parts]),
    )


def _origin(origin: str) -> str:
    """Return an origin without the folders of this machine."""
    return origin if origin in {"environment", "%config"} else Path(origin).name


def rules_are_fixed(settings: Settings) -> bool:
    """Whether an administrator said where packs and policies come from, so that nobody else does."""
    return not RULE_SETTINGS.isdisjoint(settings.fixed)


def pack_folder(settings: Settings, pack: str) -> Path:
    """Return where a pack is. Raises UserError `unknown_pack`."""
    by_path = "pack" in settings.fixed and pack == settings.pack and os.sep in pack
    return find_pack(pack, settings.packs_path, rules_are_fixed(settings) and not by_path)


def catalog(settings: Settings, pack: str) -> Catalog:
    """Return a pack's catalog. Raises what the pack's reader raises."""
    found: Catalog = plugins.load("catalog", "pack")(pack_folder(settings, pack)).load()
    return found


def policies(settings: Settings, pack: str) -> PolicyEngine:
    """Return the house's, the pack's and the administrator's policies as one engine, with OPA's where it is configured."""
    found: PolicyEngine = plugins.load("policies", "declarative")(policy_folders(settings, pack))
    return with_opa(settings, found)


def decider(settings: Settings, pack: str, clock: Clock, environment: str | None = None) -> Decider:
    """Return what decides over a pack as it is on disk now, for a session of an environment; by default the settings' own."""
    stage = settings.environment if environment is None else environment
    return Decider(catalog(settings, pack), policies(settings, pack), stage, lambda: utc_text(clock.now()))


def policy_folders(settings: Settings, pack: str) -> list[Path]:
    """Return every folder policies of a session come from."""
    for part in filter(str.strip, settings.policies_path.split(os.pathsep)):
        if not os.path.isdir(os.path.expanduser(part)):  # noqa: PTH111, PTH112 - "~nobody" is no error here
            raise Unavailable(
                "policies_missing",
                "a folder of policies that the settings name is not there",
                hint=f"Check policies_path: {part}. Until it is there nothing may be read.",
            )
    folders = [
        *data_dirs("policies", settings.policies_path, rules_are_fixed(settings)),
        pack_folder(settings, pack) / "policies",
    ]
    return _first_of_each(folders)


def rule_files(settings: Settings, pack: str) -> tuple[str, ...]:
    """Return every file and folder whose change would change a decision: policies, contracts, the pack itself."""
    folders = [*policy_folders(settings, pack), pack_folder(settings, pack)]
    below = [p for folder in folders for p in folder.rglob("*") if p.is_dir() or p.suffix in {".yaml", ".yml"}]
    return tuple(dict.fromkeys(str(path) for path in (*folders, *below, *bundle_files(settings))))


def stamp(files: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return times and sizes of files, to see that one has changed without reading it; a missing one counts as zeros."""
    found = []
    for path in files:
        try:
            told = os.stat(path)  # noqa: PTH116 - asked of every file before every cell
        except OSError:
            found.append((0, 0))
        else:
            found.append((told.st_mtime_ns, told.st_size))
    return tuple(found)


def _first_of_each(folders: Sequence[Path]) -> list[Path]:
    """Leave out a folder that holds byte for byte what one before it holds: an installed package beside its checkout.

    A folder that only has the same file names stays, so that nobody can push the house's policies aside.
    """
    kept: dict[tuple[tuple[str, bytes], ...], Path] = {}
    for folder in folders:
        files = sorted(p for p in folder.rglob("*.policy.yaml") if p.is_file())
        kept.setdefault(tuple((p.name, p.read_bytes()) for p in files), folder)
    return list(kept.values())


def connections(settings: Settings, start: Path, broken: dict[str, UserError] | None = None) -> dict[str, str]:
    """Return where every configured connection leads, by alias. Reads none of them: one that is broken spoils no other.

    Puts the errors of sections that cannot be used into `broken`.
    """
    broken = {} if broken is None else broken
    found = dict(from_ini(start / "connections.ini", broken))
    if not found and not broken:
        with contextlib.suppress(RuntimeError):  # nobody's home
            found.update(from_ini(Path.home() / ".jupysql" / "connections.ini", broken))
    found.update(dict(settings.connections))
    return found


def pack_connection(settings: Settings, pack: str, on_progress: Progress | None = None) -> Connection:
    """Return the connection a pack names for itself; its seeds are made when they are not there."""
    folder = pack_folder(settings, pack)
    spec = plugins.load("catalog", "pack")(folder).about().get("connection", {"kind": "seeds"})
    if spec["kind"] == "seeds":
        from aureus_jupyter.adapters.catalogs.seeds import ensure_seeds

        rows = settings.seed_rows or spec.get("rows", 250_000)
        path = ensure_seeds(folder, rows, data_folder() / "seeds", on_progress)
        return Connection(alias=f"{folder.name} seeds", kind="duckdb", location=str(path))
    if spec["kind"] == "sqlalchemy":
        return connection_of(folder.name, spec["url"], folder)
    return connection_of(folder.name, spec["path"], folder)


def choose(found: dict[str, str], alias: str, start: Path, broken: Mapping[str, UserError]) -> Connection:
    """Return the connection called `alias`. Raises UserError `unknown_connection` and what `connection_of` raises."""
    if alias in found:
        return connection_of(alias, found[alias], start)
    if alias in broken:
        raise broken[alias]
    raise UserError(
        "unknown_connection",
        f"there is no connection called {alias[:60]!r}",
        hint=nearest_hint(alias, found, "Add one with: %aureus connect URL --alias NAME"),
    )


def engine(settings: Settings, connection: Connection) -> Engine:
    """Open a connection. Raises Unavailable."""
    if connection.kind == "sqlalchemy":
        url = resolved_url(connection.location)
        if url.startswith(("postgresql", "postgres:", "postgres+")):
            made: Engine = plugins.load("engine", "postgres").open(url, mask_key=mask_key(settings))
            return made
        copied: Engine = plugins.load("engine", "sqlalchemy").open(
            url,
            threads=settings.threads or None,
            memory_limit=settings.memory_limit or None,
            mask_key=mask_key(settings),
        )
        return copied
    opened: Engine = plugins.load("engine", "duckdb").open(
        connection.location,
        threads=settings.threads or None,
        memory_limit=settings.memory_limit or None,
        mask_key=mask_key(settings),
    )
    return opened


def mask_key(settings: Settings) -> bytes:
    """Return the key pseudonyms are made with: made once, 0600, beside the signing keys. Raises EvidenceError."""
    from aureus_jupyter.adapters.signers.secret import load_or_create_secret

    return load_or_create_secret(keys_folder(settings) / "mask.key")


def overlaps(settings: Settings) -> OverlapLedger:
    """Return the ledger of answered summaries. Opens nothing yet."""
    named = settings.summaries_ledger
    path = Path(named).expanduser() if named else data_folder() / "summaries.sqlite"
    made: OverlapLedger = plugins.load("overlaps", "sqlite")(path)
    return made


def copilot(settings: Settings, spent: int = 0) -> Copilot:
    """Return the copilot the settings name, with `spent` tokens gone; verified questions are asked first in any case."""
    if settings.copilot == "none":
        offline: Copilot = plugins.load("copilot", "none")()
        return offline
    made: Copilot = plugins.load("copilot", settings.copilot)(
        base_url=settings.copilot_base_url,
        model=settings.copilot_model,
        key=lambda: resolve(settings.copilot_key),  # a key that is missing must not stop SQL cells
        api=settings.copilot_api,
        api_version=settings.copilot_api_version,
        timeout=settings.copilot_timeout,
        token_budget=max(0, settings.copilot_token_budget - spent),
    )
    return made


def runner_signer(settings: Settings) -> Signer:
    """Return the key runs are signed with, and make sure the trust file knows it."""
    from aureus_jupyter.adapters.signers.trust import add_trust, read_trust

    made: Signer = plugins.load("signer", "ed25519")(keys_folder(settings), "runner", settings.principal, ("runner",))
    path = trust_path(settings)
    if made.public() not in read_trust(path):
        add_trust(path, [made.public()])
    return made


def ledger(settings: Settings) -> Ledger:
    """Return what has been spent of budgets. Opens nothing."""
    path = Path(settings.ledger).expanduser() if settings.ledger else data_folder() / "ledger.sqlite"
    made: Ledger = plugins.load("ledger", "sqlite")(path)
    return made


def approvals(settings: Settings, boxes: Sequence[ApprovalBox]) -> Approvals:
    """Return the desk that asks for approvals and finds answers."""
    from aureus_jupyter.adapters.signers.ed25519 import key_ids, verify_ed25519
    from aureus_jupyter.adapters.signers.trust import read_trust

    def trust() -> Sequence[TrustedKey]:
        return read_trust(trust_path(settings))

    def own() -> frozenset[str]:
        return key_ids(keys_folder(settings))

    return Approvals(boxes, trust, verify_ed25519, own)


def evidence_folder(settings: Settings, notebook: str) -> Path:
    """Return the folder evidence of a notebook goes to: `<stem>.aureus` beside it unless settings name another."""
    path = Path(notebook) if notebook else Path.cwd() / "notebook"
    name = f"{path.stem}.aureus"
    return Path(settings.evidence_folder).expanduser() / name if settings.evidence_folder else path.parent / name


def limits(settings: Settings) -> Limits:
    """Return what one statement may cost. Its result may take as much memory as the engine: both are the kernel's."""
    return Limits(seconds=settings.time_limit or None, memory_bytes=bytes_of(settings.memory_limit))


_SIZE = re.compile(r"([0-9.]+) ?([KMGT])(I?)B", re.IGNORECASE)


def bytes_of(size: str) -> int | None:
    """Return a size as the setting writes it (`4GB`, `1.5 GiB`) in bytes; None for no limit and for a share of the machine."""
    found = _SIZE.fullmatch(size)
    if found is None:
        return None
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** ("KMGT".index(found[2].upper()) + 1))


def environment(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return what the session is for, where that is set, and the versions of what ran, sorted by name."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    if settings.environment:
        found["session"] = settings.environment
    for package in ("aureus-jupyter", "duckdb", "sqlglot", "pandas", "pyarrow", "cryptography", "ipykernel"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return tuple(sorted(found.items()))


def rows_in_evidence(settings: Settings) -> Callable[[ResultTable], Sequence[PackFile]] | None:
    """Return what adds the rows to a pack, only when the settings ask for it."""
    if not settings.include_rows:
        return None

    def rows(table: ResultTable) -> Sequence[PackFile]:
        import io

        import pyarrow.parquet

        sink = io.BytesIO()
        arrow: Any = table.to_arrow()
        write: Any = pyarrow.parquet.write_table
        write(arrow, sink)
        return [PackFile(name="rows.parquet", data=sink.getvalue())]

    return rows
