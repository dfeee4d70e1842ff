"""Fixtures shared by the tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real public data, or skip: the project may not ship them."""
    folder = Path(os.environ.get("CRMLAB_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real public data are not at {folder}; set CRMLAB_REAL_DATA to their folder")
    return folder.resolve()


@pytest.fixture(scope="session")
def legible():
    """Skip a test whose text no installed font can show."""
    from crmlab.charts.style import faces

    def asked(text: str) -> None:
        if any("\u4e00" <= sign <= "\u9fff" for sign in text) and len(faces()) == 1:
            pytest.skip("no font with Chinese glyphs is installed; Debian: fonts-wqy-microhei")

    return asked


@pytest.fixture(scope="session")
def engine_on():
    """Open a DuckDB connection with the tables of a folder as views, without the bank's door; close it yourself."""
    import duckdb

    def opened(folder: Path) -> duckdb.DuckDBPyConnection:
        engine = duckdb.connect()
        for path in sorted(folder.iterdir()):
            if path.suffix == ".parquet":
                engine.execute(f"create view {path.stem} as from '{path}'")
            elif path.is_dir() and path.name != "truth":
                engine.execute(f"create view {path.name} as from '{path}/*.parquet'")
        return engine

    return opened


@pytest.fixture
def open_page():
    """Open a file in headless Chromium: `open_page(path, color_scheme="dark", ...)` gives the page, to press keys on.

    The file stays as it is; Playwright only lets a script of ours run beside the page's content policy.
    """
    from playwright.sync_api import sync_playwright

    from crmlab.presenting.pdf import browser

    if not browser():
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])

        def opened(path: Path, **look):
            page = chromium.new_context(bypass_csp=True, **look).new_page()
            page.goto(path.as_uri())
            return page

        yield opened
        chromium.close()


@pytest.fixture
def clipped(open_page):
    """Name what does not fit its box on a deck in the browser, and pictures that do not show: `clipped(path)`."""
    script = """() => [
      ...[...document.querySelectorAll('.slide > .box')]
        .filter(b => b.scrollHeight > b.clientHeight + 1 || b.scrollWidth > b.clientWidth + 1)
        .map(b => b.closest('.slide').id + ' ' + b.className + ': ' + b.textContent.slice(0, 40)),
      ...[...document.images].filter(i => !(i.complete && i.naturalWidth > 50)).map(i => 'picture: ' + i.alt)]"""

    def found(path: Path) -> list[str]:
        page = open_page(path, viewport={"width": 1400, "height": 900})
        assert page.locator(".slide > .box").count() > 10
        page.add_style_tag(content=".slide { display: block !important; }")
        return page.evaluate(script)

    return found


@pytest.fixture(scope="session")
def broken_rules():
    """Name what axe-core finds on an open page: `broken_rules(page)` gives lines "rule: element"."""
    import axe_playwright_python

    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]

    def found(page) -> list[str]:
        page.evaluate(f"window.axe || (() => {{ {script} }})()")
        told = page.evaluate("rules => axe.run({runOnly: rules})", rules)
        assert len(told["passes"]) > 10  # it has looked
        return [f"{one['id']}: {node['html'][:100]}" for one in told["violations"] for node in one["nodes"]]

    return found


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    """Keep the tests out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def small_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a simulated bank: 300 customers on the first day, 18 months, seed 1. Do not write into it."""
    from crmlab.simulation import simulate

    return simulate(tmp_path_factory.mktemp("small_bank") / "bank", customers=300, months=18, seed=1).folder
