"""Take the screenshots of the documents: the demo notebook, run in JupyterLab, in light and dark.

`python .ci/tools/screenshots.py OUTDIR` writes demo-light.png and demo-dark.png. Needs Chromium and the dev extra.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from lab_browser import THEMES, View, chromium, running_lab

ROOT = Path(__file__).resolve().parents[2]
BADGES = "document.querySelectorAll('.jp-AureusRun-badge').length >= 5"
HEIGHT, TALL = 1500, 7000


def take(view: View, target: Path) -> None:
    """Run the notebook and photograph it from its first masked result on, where the most is to be seen."""
    view.run_all()
    view.page.wait_for_function(BADGES)
    view.command("application:toggle-left-area")
    view.page.set_viewport_size({"width": 1280, "height": HEIGHT})
    heading = view.page.locator("h2", has_text="Masked and filtered")
    heading.evaluate("node => node.scrollIntoView({block: 'start'})")
    view.page.wait_for_function(
        "node => Math.abs(node.getBoundingClientRect().top - window.aureusTop) < 1 || "
        "(window.aureusTop = node.getBoundingClientRect().top, false)",
        arg=heading.element_handle(),
    )
    view.page.screenshot(path=target)


def main(arguments: list[str]) -> int:
    """Take both; return the exit status."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    if chromium() is None:
        print("Chromium is needed (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    out = Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as base, running_lab(ROOT, Path(base) / "lab") as lab:
        for theme in THEMES:
            shutil.copytree(ROOT / "notebooks", lab.folder / theme, ignore=shutil.ignore_patterns("*.aureus", "out"))
            with lab.page(f"{theme}/demo.ipynb", theme, TALL) as view:
                take(view, out / f"demo-{theme}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
