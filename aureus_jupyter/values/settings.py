"""One frozen value for everything that can be configured."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Settings"]

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a session was told. Keys stand in it as references (`env:NAME`, `keyring:service/user`) only; a connection may hold a
    password that a file holds, and is therefore not part of the text form.

    Empty text means the default: `engine` the pack's own connection, `evidence_folder` beside the notebook, `keys_dir` and
    `trust_file` in Jupyter's data directory. `time_limit` and `copilot_timeout` are in seconds, `max_results` in rows.
    `origins` says where each value that is no default was set, `fixed` which ones an administrator set, `locked` those of them
    that stand where the user cannot write.
    """

    principal: str = ""
    roles: tuple[str, ...] = ()
    attributes: Pairs = ()
    principal_source: str = "os-user"
    purpose: str = ""
    pack: str = "credit-risk"
    packs_path: str = ""
    policies_path: str = ""
    engine: str = ""
    connections: Pairs = field(default=(), repr=False)
    seed_rows: int = 0
    max_results: int | None = None
    display_rows: int = 10
    time_limit: float = 300.0
    memory_limit: str = ""
    threads: int = 0
    evidence_folder: str = ""
    approvals_folder: str = ""
    include_rows: bool = False
    keys_dir: str = ""
    trust_file: str = ""
    copilot: str = "none"
    copilot_base_url: str = ""
    copilot_model: str = ""
    copilot_key: str = ""
    copilot_api: str = "openai"
    copilot_api_version: str = ""
    copilot_timeout: float = 30.0
    copilot_token_budget: int = 20_000
    origins: Pairs = ()
    fixed: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
