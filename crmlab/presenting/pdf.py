"""The deck as PDF, where a Chromium is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["BROWSERS", "browser", "print_pdf"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_SECONDS = 180


def browser() -> str:
    """Give the path of an installed Chromium, or an empty text."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), "")


def print_pdf(page: Path, target: Path) -> str:
    """Print a deck, one slide a page.

    Returns
    -------
    str
        Empty, or why there is no PDF.
    """
    program = browser()
    if not program:
        return "no Chromium is installed; Debian: apt install chromium. The HTML deck prints one slide a page"
    with tempfile.TemporaryDirectory(prefix="crmlab-", ignore_cleanup_errors=True) as profile:
        printed = Path(profile) / "deck.pdf"
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # it refuses root otherwise
        command = [program, "--headless", *root, "--disable-gpu", f"--user-data-dir={profile}/profile",
                   "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.resolve().as_uri()]  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"Chromium did not finish ({type(error).__name__})"
        if not printed.is_file():
            return "Chromium wrote nothing"
        shutil.copyfile(printed, target)
    return ""
