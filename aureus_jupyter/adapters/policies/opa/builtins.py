"""The built-ins a policy may use here. A plan that calls any other is refused when it is loaded.

Left out on purpose: whatever reaches outside (`http.send`, `net.lookup_ip_addr`, `opa.runtime`, `providers.aws.sign_req`),
answers differently each time (`rand.intn`, `uuid.*`), makes or checks tokens and keys (`io.jwt.*`, `crypto.x509.*`,
`crypto.parse_*`), or reads another language whose parser is not ours (`yaml.*`, `graphql.*`, `json.match_schema`,
`json.verify_schema`, `regex.globs_match`, `rego.*`, `strings.render_template`, `uri.*`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aureus_jupyter.adapters.policies.opa.builtins_basic import BASIC
from aureus_jupyter.adapters.policies.opa.builtins_collections import COLLECTIONS
from aureus_jupyter.adapters.policies.opa.builtins_encoding import ENCODING
from aureus_jupyter.adapters.policies.opa.builtins_json import JSON_EDITS
from aureus_jupyter.adapters.policies.opa.builtins_net import NET
from aureus_jupyter.adapters.policies.opa.builtins_regex import REGEX
from aureus_jupyter.adapters.policies.opa.builtins_text import TEXT
from aureus_jupyter.adapters.policies.opa.builtins_time import TIME
from aureus_jupyter.adapters.policies.opa.machine import Builtin

__all__ = ["BUILTINS"]

BUILTINS: Final[Mapping[str, Builtin]] = MappingProxyType(
    {**BASIC, **COLLECTIONS, **JSON_EDITS, **TEXT, **REGEX, **ENCODING, **TIME, **NET}
)
