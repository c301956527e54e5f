"""A JupyterLab of its own, with this checkout's front end, and a browser to look at it.

Used by tests/browser and .ci/tools/screenshots.py. The server has an empty home: no setting, key or extension of the machine is
used, except what is installed in this Python environment. It listens on the loopback only.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

TOKEN = "loopback-only"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
BUSY = """() => {
  const session = window.jupyterapp.shell.currentWidget?.context?.sessionContext?.session;
  return session?.kernel?.status === 'idle';
}"""
DONE = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.widgets].filter(c => c.model.type === 'code');
  return cells.every(c => c.model.executionState === 'idle' && c.model.executionCount !== null);
}"""


def chromium() -> str | None:
    """Return the browser's path, or None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class View:
    """One browser page on the lab and what went wrong in it. `outside` are requests to anything but the lab."""

    page: Any
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def run_all(self) -> None:
        """Run all cells of the notebook that is shown, past cells that fail, and wait until the kernel is idle."""
        self.page.wait_for_function(BUSY)
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(DONE)
        self.page.wait_for_function(BUSY)

    def command(self, name: str, **args: Any) -> Any:
        """Run a command of JupyterLab."""
        return self.page.evaluate("([n, a]) => void window.jupyterapp.commands.execute(n, a)", [name, args])


@dataclass
class Lab:
    """A running JupyterLab. `folder` is what it shows; `env` is its processes' environment."""

    address: str
    folder: Path
    home: Path
    env: dict[str, str]
    browser: Any

    def url(self, path: str) -> str:
        """Return the address at which a file of `folder` opens, in a fresh workspace."""
        return f"{self.address}/lab/tree/{quote(path)}?token={TOKEN}&reset"

    @contextmanager
    def page(self, path: str, theme: str = "light", height: int = 1000) -> Iterator[View]:
        """Open a notebook in a page of its own and wait until it is shown in this theme."""
        settings = self.home / "settings" / "@jupyterlab" / "apputils-extension"
        write_json(settings / "themes.jupyterlab-settings", {"theme": THEMES[theme]})
        context = self.browser.new_context(viewport={"width": 1280, "height": height}, color_scheme=theme)
        view = View(context.new_page())
        self._watch(view)
        try:
            view.page.set_default_timeout(60_000)
            view.page.goto(self.url(path))
            view.page.wait_for_selector(".jp-Notebook .jp-Cell")
            view.page.wait_for_selector("#jupyterlab-splash", state="detached")
            view.page.wait_for_selector(f"body[data-jp-theme-name='{THEMES[theme]}']", state="attached")
            yield view
        finally:
            context.close()

    def _watch(self, view: View) -> None:
        here = urlsplit(self.address).netloc

        def note(request: Any) -> None:
            parts = urlsplit(request.url)
            if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != here:
                view.outside.append(request.url)

        view.page.on("request", note)
        view.page.on("pageerror", lambda error: view.errors.append(str(error)))
        view.page.on("console", lambda said: view.errors.append(said.text) if said.type == "error" else None)

    @contextmanager
    def without_our_extension(self) -> Iterator[None]:
        """Switch our front end off, as an administrator would, for the pages that are opened meanwhile."""
        switch_off(self.home, "@aureus/lab")
        try:
            yield
        finally:
            switch_off(self.home)


def switch_off(home: Path, *extensions: str) -> None:
    """Switch front-end extensions off, and jupysql-plugin always: installed for the benchmark, it logs errors of its own."""
    disabled = dict.fromkeys(("jupysql-plugin", *extensions), True)
    write_json(home / "config" / "labconfig" / "page_config.json", {"disabledExtensions": disabled})


def write_json(path: Path, value: Any) -> None:
    """Write a settings file, making its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


@contextmanager
def running_lab(root: Path, base: Path) -> Iterator[Lab]:
    """Start JupyterLab and a browser in `base`, which must be empty, and stop both afterwards."""
    from playwright.sync_api import sync_playwright

    folder, home = base / "notebooks", base / "home"
    folder.mkdir(parents=True)
    env = _environment(root, home)
    with _server(folder, env, base / "server.log") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield Lab(address, folder, home, env, browser)
        finally:
            browser.close()


def _environment(root: Path, home: Path) -> dict[str, str]:
    """An environment in which Jupyter sees this checkout's front end and nothing of the account's own."""
    shutil.copytree(root / "aureus_jupyter" / "labextension", home / "share" / "labextensions" / "@aureus" / "lab")
    news = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    write_json(news, {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True})
    switch_off(home)
    folders = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTER_PATH": "share",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AUREUS_", "JUPYTER", "COV_"))}
    path = os.pathsep.join([str(root), str(root / "magics"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return kept | {name: str(home / part) for name, part in folders.items()} | {"PYTHONPATH": path}


@contextmanager
def _server(folder: Path, env: dict[str, str], log: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    options = [
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        "--expose-app-in-browser",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    process = subprocess.Popen(
        [*command, *options], env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    answered, running = threading.Event(), threading.Event()
    listener = threading.Thread(target=_listen, args=(process, log, answered, running))
    listener.start()
    try:
        answered.wait(120)
        if not running.is_set():
            process.kill()
            raise RuntimeError(f"JupyterLab did not start:\n{log.read_text('utf-8')}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            # A kernel that is still starting keeps the server from ending.
            process.kill()
            process.wait()
        listener.join()
        if process.stderr is not None:
            process.stderr.close()


def _listen(process: subprocess.Popen[str], log: Path, answered: threading.Event, running: threading.Event) -> None:
    """Keep what the server says, and tell when it runs, or has ended without."""
    with log.open("w", encoding="utf-8") as kept:
        for line in process.stderr or ():
            kept.write(line)
            kept.flush()
            if "is running at" in line:
                running.set()
                answered.set()
    answered.set()
