"""The deck: three files of one story, nothing overfull, nothing empty, no network."""

import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from click.testing import CliRunner

from crmlab.cli.present import command
from crmlab.errors import CrmlabError
from crmlab.findings import read_run
from crmlab.findings.telling import teller
from crmlab.presenting import pdf, present
from crmlab.presenting.measure import height_inches, lines
from crmlab.presenting.slides import BOXES, CELL_PAD, GAP, HEIGHT, WIDTH, Box, about_box, lay_out, unbroken
from crmlab.story import Scene, Story, tell
from crmlab.story.scenes import Grid

pptx = pytest.importorskip("pptx", reason="python-pptx is not installed")
EMU = 914_400


@pytest.fixture(autouse=True)
def _no_browser(monkeypatch, request):
    """Print no PDF but where a test is about it: starting Chromium takes seconds."""
    if "browser" not in request.keywords:
        monkeypatch.setattr(pdf.shutil, "which", lambda name: None)


def _text_box(slide):
    return BOXES[{"cover": "cover_text", "figure": "points", "table": "under"}.get(slide.kind, "text")]


def _overfull(slide):
    """Name what does not fit its box, in the wide face of the measure."""
    wrong = []
    title = BOXES["cover_title" if slide.kind == "cover" else "title"]
    if height_inches([slide.title], title.w, slide.title_points, bold=True) > title.h:
        wrong.append(f"title of {slide.title!r}")
    box = _text_box(slide)
    if slide.texts and height_inches(slide.texts, box.w, slide.text_points, gap=GAP) > box.h + 1e-6:
        wrong.append(f"texts of {slide.title!r}")
    if slide.table and sum(slide.table.heights) > BOXES["table"].h + 1e-6:
        wrong.append(f"table of {slide.title!r}")
    if slide.table and sum(slide.table.widths) > BOXES["table"].w + 1e-6:
        wrong.append(f"width of the table of {slide.title!r}")
    if height_inches([slide.source], BOXES["source"].w, 9.0) > BOXES["source"].h:
        wrong.append(f"source of {slide.title!r}")
    if slide.about and height_inches([slide.about], BOXES["about"].w, 10.0) > BOXES["about"].h:
        wrong.append(f"second line of {slide.title!r}")
    return wrong


def _slides(folder, language="en", **how):
    return lay_out(tell(read_run(folder), language=language, **how), teller(language))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_slide_is_overfull_or_empty(run_folder, language):
    slides = _slides(run_folder, language)
    assert [wrong for slide in slides for wrong in _overfull(slide)] == []
    assert [slide.title for slide in slides if not (slide.figure or slide.table or slide.texts)] == []


def test_long_texts_are_cut_to_fit_and_the_rest_is_for_the_speaker(made_up, asked, tmp_path):
    answers = [" ".join(f"Sentence {one} of answer {two} says a thing." for one in range(9)) for two in range(9)]
    long = asked.question(
        "10_long", f"{'Why ' * 30}?", answers, titles=(f"{'A long finding ' * 12}",), readings=("R.",)
    )
    story = tell(read_run(made_up(tmp_path / "r", long)))
    slides = lay_out(story, teller("en"))
    assert [wrong for slide in slides for wrong in _overfull(slide)] == []
    shown = next(slide for slide in slides if slide.figure)
    assert 2 <= len(shown.texts) <= 6
    for answer in answers:  # nothing is lost
        assert answer in shown.notes


def test_a_text_that_can_never_fit_is_left_to_the_speaker(made_up, asked, tmp_path):
    endless = "word " * 900
    story = tell(read_run(made_up(tmp_path / "r", asked.question("10_x", "Q?", [f"{endless}."], titles=("T",)))))
    shown = next(slide for slide in lay_out(story, teller("en")) if slide.figure)
    assert shown.texts == ()
    assert any(endless.strip() in note for note in shown.notes)


def test_a_long_table_of_the_appendix_goes_on_over_slides(run_folder):
    rows = tuple((f"row {number}", "a text of some length " * 6) for number in range(60))
    scene = Scene("table", "Appendix", "Limits", table=Grid(("a", "b"), rows, (False, False)), is_appendix=True)
    slides = lay_out(Story(read_run(run_folder), (scene,)), teller("en"))
    assert len(slides) > 1
    assert tuple(row for slide in slides for row in slide.table.grid.rows) == rows
    assert slides[0].title == f"Limits (1/{len(slides)})"
    assert [wrong for slide in slides for wrong in _overfull(slide)] == []


def test_a_long_table_of_the_story_says_what_is_left_out(run_folder):
    rows = tuple((f"row {number}", "a text of some length " * 6) for number in range(60))
    scene = Scene("table", "Plan", "Plan", table=Grid(("a", "b"), rows, (False, False)))
    (slide,) = lay_out(Story(read_run(run_folder), (scene,)), teller("en"))
    shown = len(slide.table.grid.rows)
    assert slide.texts == (f"Further rows in the report: {60 - shown}",)


def test_boxes_lie_on_the_slide_and_apart():
    for name, box in BOXES.items():
        assert box.x >= 0, name
        assert box.y >= 0, name
        assert box.x + box.w <= WIDTH, name
        assert box.y + box.h <= HEIGHT, name
    for names in (("act", "title", "figure", "points", "source"), ("act", "title", "table", "under", "source"),
                  ("act", "title", "text", "source"), ("source", "number")):  # fmt: skip
        boxes = [BOXES[name] for name in names]
        for place, one in enumerate(boxes):
            for other in boxes[place + 1 :]:
                apart = one.x + one.w <= other.x + 1e-9 or one.y + one.h <= other.y + 1e-9
                assert apart or other.x + other.w <= one.x + 1e-9, (one, other)


def test_the_powerpoint_file_is_native_and_can_be_edited(run_folder):
    done = present(run_folder)
    slides = _slides(run_folder)
    deck = pptx.Presentation(done.files[1])
    assert (deck.slide_width / EMU, deck.slide_height / EMU) == pytest.approx((WIDTH, HEIGHT), abs=1e-3)
    assert len(deck.slides) == len(slides)
    assert [layout.name for layout in deck.slide_layouts] == [
        "crmlab cover", "crmlab figure", "crmlab table", "crmlab text",
    ]  # fmt: skip
    for made, slide in zip(deck.slides, slides, strict=True):
        assert made.shapes.title.text_frame.text == slide.title
        assert made.notes_slide.notes_text_frame.text == "\n".join(slide.notes)
        texts = [shape.text_frame.text for shape in made.placeholders if shape.has_text_frame]
        assert "" not in texts  # an empty placeholder shows its prompt
        if slide.figure:
            (picture,) = [
                s for s in made.placeholders if s.placeholder_format.type == pptx.enum.shapes.PP_PLACEHOLDER.PICTURE
            ]
            assert picture._element.nvPicPr.cNvPr.get("descr") == slide.figure.alt
            assert (picture.crop_left, picture.crop_top, picture.crop_right, picture.crop_bottom) == (0, 0, 0, 0)
            assert picture.width / picture.height == pytest.approx(slide.place.w / slide.place.h, rel=1e-3)
        if slide.table:
            (frame,) = [shape for shape in made.shapes if shape.has_table]
            cells = [[cell.text for cell in row.cells] for row in frame.table.rows]
            assert cells == [list(slide.table.grid.headers), *map(list, slide.table.grid.rows)]


def test_every_shape_of_the_powerpoint_file_lies_on_its_slide(run_folder):
    deck = pptx.Presentation(present(run_folder).files[1])
    for number, made in enumerate(deck.slides, 1):
        for shape in made.shapes:
            assert shape.left >= 0, (number, shape.name)
            assert shape.top + shape.height <= deck.slide_height, (number, shape.name)
            assert shape.left + shape.width <= deck.slide_width + 2, (number, shape.name)


def test_the_powerpoint_file_wears_the_house_theme(run_folder):
    with zipfile.ZipFile(present(run_folder).files[1]) as file:
        themes = [file.read(name).decode() for name in file.namelist() if "theme/theme1.xml" in name]
    assert 'name="crmlab"' in themes[0]
    assert '<a:accent1><a:srgbClr val="0B4F7A"/></a:accent1>' in themes[0]
    assert 'typeface="Microsoft YaHei"' in themes[0]


def test_the_same_run_gives_the_same_files(run_folder):
    first = [hashlib.sha256(path.read_bytes()).hexdigest() for path in present(run_folder).files]
    second = [hashlib.sha256(path.read_bytes()).hexdigest() for path in present(run_folder).files]
    assert first == second


def test_the_html_deck_asks_nobody_and_runs_its_own_script_only(run_folder):
    html = present(run_folder).files[0].read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-")
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', html) == []
    assert html.count("<script>") == 1
    assert html.count('class="slide ') == len(_slides(run_folder))
    assert 'alt=""' not in html


def test_texts_of_findings_are_no_markup(made_up, asked, tmp_path):
    nasty = asked.question("10_x", "Who <b>?", ["<script>alert(1)</script> & 'all' left."], titles=("<img src=x>",))
    folder = made_up(tmp_path / "r", nasty, facts={"bank": "Tiny <Bank> & Sons"})
    done = present(folder)
    html = done.files[0].read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<img src=x>" not in html
    assert pptx.Presentation(done.files[1]).slides[0].shapes.title.text_frame.text.startswith("Tiny <Bank> & Sons")


def test_every_slide_says_where_it_comes_from(run_folder):
    shown = [slide for slide in _slides(run_folder) if slide.figure]
    assert shown[0].source == (
        "Who are our customers? (00_base) · as of 30 June 2024 · "
        "In the North: 50.0 % (95 % interval 46.9 to 53.1 %, n = 1,000)"
    )


def test_one_question_can_be_presented_alone(run_folder):
    done = present(run_folder, case="31")
    assert [path.name for path in done.files] == ["31_leaving-en.html", "31_leaving-en.pptx"]
    assert "41_worth" not in done.files[0].read_text(encoding="utf-8")


def test_a_case_study_chooses_by_its_parameters(made_up, asked, tmp_path):
    case = asked.question("90_case", "What now?", ["A."], parameters={"run": "", "slides_count": 10, "only": ["41"]})
    done = present(made_up(tmp_path / "r", asked.leaving, asked.worth, case))
    assert [path.name for path in done.files] == ["90_case-en.html", "90_case-en.pptx"]
    assert "31_leaving" not in done.files[0].read_text(encoding="utf-8")
    assert done.slides <= 10


def test_what_failed_is_said_in_the_deck_and_by_the_exit_code(made_up, asked, tmp_path):
    folder = made_up(tmp_path / "r", asked.base, failed=[("31_leaving", "cell 6 broke.")])
    told = CliRunner().invoke(command, [str(folder)])
    assert told.exit_code == 1
    assert "Missing: 31_leaving failed: cell 6 broke." in told.output
    html = (folder / "presentation" / "case_study-en.html").read_text(encoding="utf-8")
    assert html.count("31_leaving failed: cell 6 broke.") >= 1


def test_what_the_bank_could_not_answer_is_no_failure(made_up, asked, tmp_path):
    folder = made_up(tmp_path / "r", asked.base, lacking=[("20_survey", "needs surveys")])
    told = CliRunner().invoke(command, [str(folder)])
    assert told.exit_code == 0
    assert "needs surveys" in (folder / "presentation" / "case_study-en.html").read_text(encoding="utf-8")


def test_the_command_refuses_what_it_cannot_present(tmp_path, run_folder):
    away = tmp_path / "away"
    done = subprocess.run(
        [sys.executable, "-m", "crmlab", "present", str(away)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2, f"crmlab: run {str(away)!r} is not a folder. Give the folder that crmlab run names at its end.\n",
    )  # fmt: skip
    for how, message in (
        ({"case": "32_leaving"}, "case '32_leaving' is not in this run. "
                                 "There are 00_base, 31_leaving, 41_worth. Did you mean '31_leaving'?"),
        ({"language": "fr"}, "language 'fr' is not known. There are en, zh."),
    ):  # fmt: skip
        with pytest.raises(CrmlabError) as caught:
            present(run_folder, **how)
        assert str(caught.value) == message


def test_without_chromium_the_pdf_is_left_out_and_that_is_said(run_folder):
    done = present(run_folder)
    assert done.remarks == (
        "No PDF: no Chromium is installed; Debian: apt install chromium. The HTML deck prints one slide a page.",
    )
    assert [path.suffix for path in done.files] == [".html", ".pptx"]


def test_chinese_without_a_chinese_font_says_what_to_install(run_folder, monkeypatch):
    from crmlab.findings import languages

    monkeypatch.setattr(languages, "faces", lambda: ["DejaVu Sans"])
    done = present(run_folder, language="zh")
    assert done.remarks[-1] == (
        "No installed font has Chinese glyphs, so figures stay in English. "
        "Install one (Debian, Ubuntu: fonts-wqy-microhei or fonts-noto-cjk), then run again."
    )
    monkeypatch.setattr(languages, "faces", lambda: ["DejaVu Sans", "SimHei"])
    assert len(present(run_folder, language="zh").remarks) == 1


def test_a_number_and_its_unit_stay_on_one_line():
    assert unbroken("EUR -5 and 7.5 %").split(" ") == ["EUR\u00a0-5", "and", "7.5\u00a0%"]


def test_the_second_line_stands_right_under_its_picture(run_folder):
    slide = next(slide for slide in _slides(run_folder) if slide.figure)
    under = about_box(slide)
    assert isinstance(under, Box)
    assert 0 < under.y - slide.place.y - slide.place.h < 0.1


def test_the_measure_counts_lines_as_they_break():
    assert lines("满意度" * 10, 10 * 12 / 72, 12) == 3  # 30 signs of 12 points, 10 a line
    assert lines("a" * 200, 1.0, 12) > 10
    assert lines("one two three", 10, 12, True) == 1
    assert CELL_PAD > 0


@pytest.mark.browser
def test_nothing_is_clipped_in_a_browser_and_the_pdf_has_a_page_a_slide(run_folder, clipped):
    if not pdf.browser():
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    for language in ("en", "zh"):
        done = present(run_folder, language=language)
        assert clipped(done.files[0]) == []
        html = done.files[0].read_text(encoding="utf-8")
        printed = done.files[2].read_bytes()
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == html.count('class="slide ')


@pytest.mark.browser
def test_the_script_of_the_deck_runs_under_its_own_policy(run_folder, tmp_path):
    if not pdf.browser():
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    page = present(run_folder).files[0].as_uri()
    command = [pdf.browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--dump-dom", f"{page}#3"]  # fmt: skip
    document = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert re.search(r'<html lang="en" class="live"', document)
    shown = re.findall(r'<section class="slide [^"]*\bnow\b[^"]*" id="(s\d+)"', document)
    assert shown == ["s3"]


@pytest.mark.browser
def test_keys_and_touch_move_the_deck(run_folder, tmp_path):
    if not pdf.browser():
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    html = present(run_folder).files[0].read_text(encoding="utf-8")
    start = html.index("<meta http-equiv=")
    html = html[:start] + html[html.index(">", start) + 1 :]
    last = html.count('class="slide ')
    keys = ["ArrowRight", " ", "PageDown", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft", "s"]
    moves = (
        "<script>onload = () => { const seen = [], now = () => document.querySelector('.slide.now').id.slice(1);"
        f"for (const key of {keys!r})"
        " { document.dispatchEvent(new KeyboardEvent('keydown', {key})); seen.push(now()); }"
        "const swipe = (type, x) => { const e = new Event(type, {bubbles: true});"
        "e.changedTouches = [{clientX: x, clientY: 0}]; document.dispatchEvent(e); };"
        "swipe('touchstart', 300); swipe('touchend', 100); seen.push(now());"
        "swipe('touchstart', 100); swipe('touchend', 300); seen.push(now());"
        "document.title = 'seen:' + seen.join() + ' ' + document.documentElement.className; }</script></body>"
    )
    copy = tmp_path / "copy.html"
    copy.write_text(html.replace("</body>", moves), encoding="utf-8")
    command = [pdf.browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--dump-dom", copy.as_uri()]  # fmt: skip
    document = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    told = re.search(r"<title>seen:(.*?)</title>", document)[1]
    assert told == f"2,3,4,3,{last},{last},1,1,1,2,1 live telling"


@pytest.mark.browser
def test_libreoffice_opens_the_powerpoint_file(run_folder, tmp_path):
    office = shutil.which("soffice")
    if not office:
        pytest.skip("LibreOffice is not installed (Debian: apt-get install libreoffice-impress)")
    book = present(run_folder).files[1]
    command = [office, f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to", "pdf",
               "--outdir", str(tmp_path), str(book)]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=170, check=True)
    printed = (tmp_path / f"{book.stem}.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(pptx.Presentation(io.BytesIO(book.read_bytes())).slides)
