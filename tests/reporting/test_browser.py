"""The pages in headless Chromium: no request leaves, nothing overflows a phone, every picture is drawn."""

import json
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--hide-scrollbars",
)  # fmt: skip


@pytest.fixture
def browse(tmp_path):
    """Open a page; gives what Chromium printed and the addresses it asked for."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")

    def browsing(path, *options):
        log = tmp_path / "net.json"
        command = [
            CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}",
            "--host-resolver-rules=MAP * ~NOTFOUND", *options, path.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout, _asked(log)

    return browsing


def _asked(log):
    """Addresses of every request that a page made, from Chromium's own network log."""
    text = log.read_text(encoding="utf-8").rstrip().rstrip(",")
    try:
        told = json.loads(text)
    except json.JSONDecodeError:
        told = json.loads(text + "]}")  # a log that was cut when the browser ended
    start = told["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [event.get("params", {}) for event in told["events"] if event["type"] == start]
    # what Chromium asks for itself (its update, its clock) has no page as its origin
    return {told["url"] for told in asked if told.get("initiator", "not an origin") != "not an origin"}


def test_the_log_sees_a_request(browse, tmp_path):
    page = tmp_path / "loads.html"
    page.write_text(
        '<link rel="stylesheet" href="https://fonts.googleapis.com/css"><img src="http://example.org/x.png">',
        encoding="utf-8",
    )
    assert browse(page, "--dump-dom")[1] == {"https://fonts.googleapis.com/css", "http://example.org/x.png"}


def test_no_request_leaves_a_page(browse, site):
    pages = sorted(site.out.rglob("*.html"))
    assert [page.name for page in pages] == ["00_regions.html", "glossary.html", "index.html", "summary.html"]
    for page in pages:
        document, asked = browse(page, "--dump-dom")
        assert ("One concept, one name" if page.name == "glossary.html" else "About this run") in document
        assert asked == set()


def test_a_page_prints(browse, site, tmp_path):
    page = site.out / "00_regions" / "00_regions.html"
    target = tmp_path / "page.pdf"
    browse(page, f"--print-to-pdf={target}", "--no-pdf-header-footer")
    assert target.read_bytes().startswith(b"%PDF")


def _measured(browse, page, tmp_path, width):
    """Measure a page in a frame of a width: what sticks out, how wide it is, which pictures are drawn."""
    # The page itself runs no script (its policy forbids it); a copy without the policy measures itself.
    text = page.read_text(encoding="utf-8")
    measure = (
        "<script>onload = () => { const d = document.documentElement;"
        "document.title = JSON.stringify({over: d.scrollWidth - d.clientWidth, width: d.clientWidth,"
        "drawn: [...document.images].map(i => i.complete && i.naturalWidth > 100)}); }</script></body>"
    )
    copy = tmp_path / "copy.html"
    start = text.index("<meta http-equiv=")
    text = text[:start] + text[text.index(">", start) + 1 :]
    framed = tmp_path / "frame.html"
    copy.write_text(text.replace("</body>", measure), encoding="utf-8")
    # headless Chromium has a smallest window; a frame has not
    framed.write_text(
        f'<iframe id="f" src="copy.html" style="width:{width}px;height:900px;border:0"></iframe>'
        "<script>onload = () => document.body.append(document.getElementById('f').contentDocument.title)</script>",
        encoding="utf-8",
    )
    document, _ = browse(framed, "--dump-dom", "--allow-file-access-from-files", "--window-size=1400,1000")
    return json.loads(document[document.index("{") : document.index("}") + 1].replace("&quot;", '"'))


@pytest.mark.parametrize("width", [400, 768, 1280])
def test_pictures_are_drawn_and_nothing_overflows(browse, site, tmp_path, width):
    told = _measured(browse, site.out / "00_regions" / "00_regions.html", tmp_path, width)
    assert told == {"over": 0, "width": width, "drawn": [True]}


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_validation_page_fits_a_phone_and_a_desk(browse, truth_page, tmp_path, width):
    assert _measured(browse, truth_page, tmp_path, width) == {"over": 0, "width": width, "drawn": [True]}


def test_no_request_leaves_the_validation_page_and_it_prints(browse, truth_page, tmp_path):
    target = tmp_path / "page.pdf"
    document, asked = browse(truth_page, "--dump-dom")
    assert "5 of 6 hold the truth." in document
    assert asked == set()
    browse(truth_page, f"--print-to-pdf={target}", "--no-pdf-header-footer")
    assert target.read_bytes().startswith(b"%PDF")
