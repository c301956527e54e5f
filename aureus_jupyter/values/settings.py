"""One frozen value for everything that can be configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["ABOUT", "Settings"]

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a session was told. Keys stand in it as references (`env:NAME`, `keyring:service/user`) only; a connection may hold a
    password that a file holds, and is therefore not part of the text form.

    Empty text means the default: `engine` the pack's own connection, `evidence_folder` beside the notebook, `keys_dir`,
    `trust_file`, `ledger` and `summaries_ledger` in Jupyter's data directory. `time_limit`, `opa_timeout` and `copilot_timeout`
    are in seconds, `max_results` in rows.
    `origins` says where each value that is no default was set, `fixed` which ones an administrator set, `locked` those of them
    that stand where the user cannot write.
    """

    principal: str = ""
    roles: tuple[str, ...] = ()
    attributes: Pairs = ()
    principal_source: str = "os-user"
    purpose: str = ""
    environment: str = ""
    pack: str = "credit-risk"
    packs_path: str = ""
    policies_path: str = ""
    opa_bundles: str = ""
    opa_bundle_key: str = ""
    opa_server: str = ""
    opa_token: str = ""
    opa_timeout: float = 5.0
    opa_package: str = "trino"
    opa_rules: tuple[str, ...] = ("allow", "rowFilters", "batchColumnMasks")
    opa_same: str = ""
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
    ledger: str = ""
    summaries_ledger: str = ""
    why: str = ""
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


ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "principal": "Who you are; empty for the account this process runs under.",
        "roles": "Your roles, a list of texts.",
        "attributes": "What policies may ask about you: names and texts.",
        "purpose": "Why you read, such as credit_risk_review.",
        "environment": "What the session is for, such as production; policies may ask.",
        "pack": "The pack cells use: its name, or its folder.",
        "packs_path": "Where more packs are; several folders as in PATH.",
        "policies_path": "Where more policies are; several folders as in PATH.",
        "opa_bundles": "Bundles that `opa build -t plan` made; several files as in PATH.",
        "opa_bundle_key": "The public key bundles are signed for, a PEM file; empty where they are not signed.",
        "opa_server": "Where an OPA server is that is asked too.",
        "opa_token": "The server's bearer token, as a reference: env:NAME or keyring:service/user.",
        "opa_timeout": "Seconds a decision of the server may take, with all its questions.",
        "opa_package": "The package of the rules that OPA is asked, with slashes.",
        "opa_rules": "Which rules OPA is asked: allow, batch, rowFilters, batchColumnMasks or columnMask, aureus.",
        "opa_same": "Which of policies, bundles and server hold the same policy, and so must agree; empty for none.",
        "engine": "Alias of the connection cells use; empty for the pack's own.",
        "connections": "Connections by alias: a DuckDB file, a folder, or a URL whose password is a reference.",
        "seed_rows": "How many rows a pack's seeds have; 0 for the pack's own number.",
        "max_results": "How many rows a cell returns at most; 0 for all that policy allows.",
        "display_rows": "How many rows a cell shows.",
        "time_limit": "Seconds a statement may take; 0 for no limit.",
        "memory_limit": "What DuckDB, and a result, may use, such as 4GB; empty for DuckDB's own default and no limit for a result.",
        "threads": "How many threads DuckDB may use; 0 for all.",
        "evidence_folder": "Where evidence goes; empty for beside the notebook.",
        "approvals_folder": "Where else answers are looked for: the folder that holds `approvals/RUN`.",
        "include_rows": "Whether evidence holds the rows.",
        "keys_dir": "Where private keys are; empty for Jupyter's data folder.",
        "trust_file": "Which keys are trusted; empty for Jupyter's data folder.",
        "ledger": "Which file keeps what has been spent of budgets; empty for Jupyter's data folder.",
        "summaries_ledger": "Which file keeps what was answered in summaries; empty for Jupyter's data folder.",
        "why": "The reason a review asks for, in a pipeline; in a cell it is --why.",
        "copilot": "Who answers questions that are not verified: none or openai.",
        "copilot_base_url": "Where the model's server is.",
        "copilot_model": "Which model it is asked for.",
        "copilot_key": "The key, as a reference: env:NAME or keyring:service/user.",
        "copilot_api": "Which protocol the server speaks: openai or azure.",
        "copilot_api_version": "Azure's version of its protocol.",
        "copilot_timeout": "Seconds a question may take, with all its tries.",
        "copilot_token_budget": "How many tokens a session may spend.",
    }
)
"""What each setting a person may set is for."""
