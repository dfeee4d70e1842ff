"""The pictures of the README: pages, slides and JupyterLab of a run, taken in the installed Chromium.

``make gallery`` runs it on the newest run of the simulated bank, in English and Chinese.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

HERE = Path(__file__).parent
WIDE, TALL = 1280, 800
COLOURS = 160  # of a palette: pages are drawn in few, and a picture stays small
LAB_NOTEBOOK = "12_segments_behaviour"
LAB_SECONDS = 90
SLIDE = 5


def main(run: Path) -> None:
    """Take all pictures of a run that has pages and decks in English and Chinese."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = _page(browser)
        shots = {
            "report": "31_churn/31_churn.html",
            "chinese": "12_segments_behaviour/12_segments_behaviour.zh.html",
            "summary": "summary.html",
            "validation": "validation/validation.html",
        }
        for name, relative in shots.items():
            page.goto((run / relative).resolve().as_uri())
            _keep(page, name)
        for name, deck in (("slide", "90_case_study-en"), ("slide_chinese", "90_case_study-zh")):
            page.set_viewport_size({"width": WIDE, "height": WIDE * 9 // 16})
            page.goto((run / "presentation" / f"{deck}.html").resolve().as_uri() + f"#{SLIDE}")
            page.wait_for_timeout(500)
            _keep(page, name)
        page.set_viewport_size({"width": WIDE, "height": TALL})
        with _lab(run / LAB_NOTEBOOK / "notebook.ipynb") as address:
            _lab_picture(page, address)
        browser.close()


def _page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": WIDE, "height": TALL})


def _keep(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    path = HERE / f"{name}.png"
    picture.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} kB")


def _lab_picture(page: Page, address: str) -> None:
    """Open an executed notebook at one of its figures."""
    page.goto(address)
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=LAB_SECONDS * 1000)
    page.wait_for_timeout(4000)
    figure = page.locator(".jp-NotebookPanel figure img").first
    for _ in range(40):  # cells are drawn when they come into sight
        if figure.count():
            break
        page.mouse.move(WIDE / 2, TALL / 2)
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(250)
    figure.scroll_into_view_if_needed()
    with contextlib.suppress(TimeoutError):  # a question about news, where this version asks one
        page.get_by_role("button", name="No", exact=True).click(timeout=6000)
    page.wait_for_timeout(1000)
    _keep(page, "lab")


@contextlib.contextmanager
def _lab(notebook: Path) -> Iterator[str]:
    """Serve JupyterLab on a copy of a notebook; nothing of the user's own settings is read or changed."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"{notebook.parent.name}.ipynb"
        shutil.copy(notebook, Path(folder) / name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        own = {"JUPYTER_CONFIG_DIR": folder + "/.config", "JUPYTERLAB_SETTINGS_DIR": folder + "/.settings",
               "JUPYTERLAB_WORKSPACES_DIR": folder + "/.workspaces"}  # fmt: skip
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
             "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"],
            env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/api")
            yield f"{address}/lab/tree/{name}"
        finally:
            server.terminate()
            server.wait()


def _wait_for(address: str) -> None:
    until = time.monotonic() + LAB_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
