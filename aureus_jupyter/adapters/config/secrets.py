"""References to secrets, resolved at the moment of use and never kept."""

from __future__ import annotations

import os

from aureus_jupyter.errors import Unavailable

__all__ = ["is_reference", "resolve"]


def is_reference(text: str) -> bool:
    """Whether a text names a secret instead of holding one."""
    return text.startswith(("env:", "keyring:"))


def resolve(text: str) -> str:
    """Return the secret that `env:NAME` or `keyring:service/user` names; any other text is returned as it is.

    Raises Unavailable `secret_missing`, which names the reference and never a value.
    """
    kind, _, name = text.partition(":")
    if kind == "env":
        value = os.environ.get(name)
    elif kind == "keyring":
        service, _, user = name.partition("/")
        value = _from_keyring(service, user)
    else:
        return text
    if value is None:
        raise Unavailable(
            "secret_missing",
            f"the secret {kind}:{name} is not there",
            hint=f"Set the environment variable {name or 'NAME'} where the kernel starts."
            if kind == "env"
            else "Store it with: keyring set SERVICE USER",
        )
    return value


def _from_keyring(service: str, user: str) -> str | None:
    import keyring

    try:
        return keyring.get_password(service, user)
    except Exception as cause:
        # Its backends are plug-ins, and raise what the system behind them raises.
        raise Unavailable(
            "keyring_failed",
            f"the keyring cannot be read ({type(cause).__name__})",
            hint="Unlock it, or use env:NAME instead.",
        ) from None
