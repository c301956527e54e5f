"""What a person does after `aureus onboard`: open the contracts they have checked."""

from __future__ import annotations

from pathlib import Path

__all__ = ["opened"]


def opened(pack: Path, *names: str) -> Path:
    """Set contracts of a drafted pack to active: those of `names`, or all of them. Changes that one line of each."""
    paths = [pack / "contracts" / f"{name}.odcs.yaml" for name in names] or sorted(pack.glob("contracts/*.odcs.yaml"))
    assert paths
    for path in paths:
        text = path.read_text("utf-8")
        assert text.count("\nstatus: draft\n") == 1
        path.write_text(text.replace("\nstatus: draft\n", "\nstatus: active\n"), "utf-8")
    return pack
