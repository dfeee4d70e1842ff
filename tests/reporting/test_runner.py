"""The runner: failures told, results whole or not there, unchanged ones used again."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from crmlab.errors import CrmlabError
from crmlab.reporting.plan import make_plan
from crmlab.reporting.results import RunFolder
from crmlab.reporting.runner import _environment


def _refusal(act) -> str:
    with pytest.raises(CrmlabError) as caught:
        act()
    return str(caught.value)


def test_each_question_ends_in_its_own_way(site):
    assert {name: result.status for name, result in site.results.items()} == {
        "00_regions": "answered", "10_broken": "failed", "20_lacking": "not_answered", "30_leaking": "failed",
    }  # fmt: skip
    assert site.results["00_regions"].headline == "50.0 % (95 % interval 40.0 to 60.0 %, n = 60) live in the North."
    assert site.results["20_lacking"].reason == "needs balances or snapshot"
    assert set(site.watcher.ended) == set(site.results)


def test_a_failure_names_cell_line_error_and_cure_and_keeps_the_notebook(site):
    assert site.results["10_broken"].reason == (
        "cell 6 (`regions = 1`): ZeroDivisionError: division by zero. "
        "Open 10_broken/notebook.ipynb to see the whole trace."
    )
    partial_book = json.loads((site.out / "10_broken" / "notebook.ipynb").read_text(encoding="utf-8"))
    assert any(o["output_type"] == "error" for c in partial_book["cells"] for o in c.get("outputs", []))
    assert not (site.out / "10_broken" / "10_broken.html").exists()


def test_a_page_with_an_identifier_is_not_published(site):
    assert site.results["30_leaking"].reason == (
        "30_leaking: the page shows an identifier of customers.customer_id and is not published. Show groups only, and "
        "write large numbers with thousands separators; customer-level lists go to findings.actions."
    )
    assert not (site.out / "30_leaking" / "30_leaking.html").exists()


def test_lists_of_customers_stay_away_from_pages(site):
    listed = (site.out / "actions" / "00_regions_calls.csv").read_text(encoding="utf-8-sig").splitlines()
    assert listed[:2] == ['"customer_id","reason"', '"A0000","\'=1+1"']
    pages = [p.read_text(encoding="utf-8") for p in site.out.rglob("*.html")]
    assert len(pages) == 4
    assert [page for page in pages if "actions/" in page or "calls.csv" in page] == []


def test_no_page_holds_an_identifier(site, tiny_bank):
    ids = {line.split(",")[0] for line in (tiny_bank / "customers.csv").read_text().splitlines()[1:]}
    ids |= {line.split(",")[0] for line in (tiny_bank / "accounts.csv").read_text().splitlines()[1:]}
    assert len(ids) == 120
    for page in site.out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert [one for one in ids if one in text] == []


def test_the_manifest_tells_what_the_run_was_made_from(site):
    told = json.loads((site.out / "manifest.json").read_text(encoding="utf-8"))
    assert (told["bank"], told["as_of"], told["hash_seed"]) == ("Tiny <Bank>", "2020-02-29", 0)
    assert told["versions"]["pandas"].startswith("3.")
    assert set(told) >= {"fingerprint", "commit", "dirty", "package_hash", "seconds", "machine", "written_at"}
    first = told["questions"][0]
    assert first["parameters"] == {"as_of": "2020-02-29", "top_count": 3}
    assert first["seconds"] > 0
    assert first["peak_memory_mib"] > 20


def test_findings_hold_no_time_and_no_place(site):
    text = (site.out / "00_regions" / "findings.json").read_text(encoding="utf-8")
    assert str(site.root) not in text
    assert time.strftime("%Y-%m-%d") not in text
    assert json.loads(text)["notebook"] == "00_regions"


def test_nothing_stays_of_what_only_the_run_needed(site):
    left = {path.name for path in site.out.iterdir()}
    assert left == {".lock", "00_regions", "10_broken", "30_leaking", "actions", "glossary.html", "index.html",
                    "manifest.json", "summary.html", "summary.txt"}  # fmt: skip
    assert sorted(p.name for p in (site.out / "00_regions").iterdir()) == [
        "00_regions.html", "figures", "findings.json", "notebook.ipynb", "result.json",
    ]  # fmt: skip


@pytest.fixture
def copy(site, tmp_path):
    """The run's folder once more, for tests that change it."""
    return shutil.copytree(site.out, tmp_path / "copy")


def test_what_is_unchanged_is_used_again_and_a_failure_is_not(site, copy):
    before = (copy / "00_regions" / "result.json").stat().st_mtime_ns
    again = site.ask("00", "20", out=copy)
    assert again.results["00_regions"].reused
    assert (copy / "00_regions" / "result.json").stat().st_mtime_ns == before
    assert again.summary.seconds < 2
    assert RunFolder(copy).answered("10_broken") is None


def test_an_answer_not_asked_for_again_still_stands(site, copy):
    again = site.ask("20", out=copy)
    assert list(again.results) == ["20_lacking"]
    assert "00_regions/00_regions.html" in (copy / "index.html").read_text(encoding="utf-8")
    told = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))["questions"]
    assert [(q["name"], q["status"]) for q in told] == [("00_regions", "answered"), ("20_lacking", "not_answered")]


def test_a_question_that_lacks_its_data_now_loses_its_old_answer(site, copy, notebook):
    changed = notebook(copy.parent / "notebooks", "00_regions", reads="`customers`, `surveys`")
    again = site.ask("00", out=copy, notebooks=changed.parent)
    assert again.results["00_regions"].reason == "needs surveys"
    assert not (copy / "00_regions").exists()
    assert list((copy / "actions").iterdir()) == []


@pytest.mark.parametrize("damaged", ["00_regions/00_regions.html", "actions/00_regions_calls.csv"])
def test_a_damaged_result_does_not_count(copy, damaged):
    assert RunFolder(copy).answered("00_regions") is not None
    (copy / damaged).write_bytes((copy / damaged).read_bytes()[:10])
    assert RunFolder(copy).answered("00_regions") is None


def test_a_fresh_run_gives_the_same_bytes(site, tmp_path):
    fresh = site.ask("00", out=tmp_path / "fresh")
    assert not fresh.results["00_regions"].reused
    for name in ("findings.json", "00_regions.html", "figures/regions.svg"):
        assert (fresh.out / "00_regions" / name).read_bytes() == (site.out / "00_regions" / name).read_bytes(), name


def test_a_parameter_reaches_the_notebook_and_its_identity(site, tmp_path):
    set_to_two = site.ask("00", out=tmp_path / "two", parameters=["top_count=2"])
    kept = json.loads((set_to_two.out / "00_regions" / "findings.json").read_text(encoding="utf-8"))
    assert [row[0] for row in kept["tables"][0]["rows"]] == ["North", "South"]
    assert set_to_two.results["00_regions"].key != site.results["00_regions"].key


def test_the_source_is_never_written_to(site, tiny_bank):
    assert sorted(p.name for p in tiny_bank.iterdir()) == ["accounts.csv", "bank.yml", "customers.csv", "products.csv"]


def test_every_wrong_wish_is_told_before_anything_runs(site, tmp_path):
    out = tmp_path / "never"
    text = _refusal(
        lambda: site.ask("00", "90", out=out, as_of="2020-13-01", parameters=["top_cont=2", "top_count=two"], jobs=-1)
    )
    assert text == (
        "5 problems:\n"
        "- notebook '90' does not exist. There are 00_regions, 10_broken, 20_lacking, 30_leaking.\n"
        "- parameter 'top_cont' is in none of the chosen notebooks. They know top_count. Did you mean 'top_count'?\n"
        "- 00_regions: top_count='two' is not a whole number. Its default is 3.\n"
        "- --jobs -1 is below 1. Give the number of notebooks to run at the same time.\n"
        "- as_of '2020-13-01' is not a date. Write it as YYYY-MM-DD."
    )
    assert not out.exists()


def test_results_never_go_where_the_data_are(site, tiny_bank):
    out = tiny_bank / "report"
    assert _refusal(lambda: site.ask(out=out)) == (
        f"--out {str(out)!r} lies in the source. Results never go where the data are; choose another folder."
    )


def test_without_a_bank_the_command_that_makes_one_is_named(tmp_path, notebook):
    notebook(tmp_path / "notebooks", "00_regions")
    assert _refusal(lambda: make_plan(tmp_path)) == (
        "the simulated bank is not at data/simulated yet. "
        "Make it: crmlab simulate --customers 5000 --months 36 --seed 1 --out data/simulated, or give --source."
    )


def test_a_notebook_must_take_source_and_day(tmp_path, notebook, ask):
    path = notebook(tmp_path / "notebooks", "00_regions")
    path.write_text(path.read_text().replace("as_of: str", "asof: str"))
    assert _refusal(ask) == (
        '00_regions: the parameters cell lacks as_of. Add `as_of: str = ""  # YYYY-MM-DD; empty: the last day known`.'
    )


def test_an_unknown_table_in_the_title_is_told(tmp_path, notebook, ask):
    notebook(tmp_path / "notebooks", "00_regions", reads="`custmers`")
    assert _refusal(ask) == (
        "00_regions: 'Reads' in the title cell: table 'custmers' is not in the contract. Did you mean 'customers'?"
    )


def test_a_second_run_into_the_same_folder_is_refused(tmp_path):
    folder = RunFolder(tmp_path / "out")
    with folder.only_here():
        assert _refusal(RunFolder(tmp_path / "out").only_here().__enter__) == (
            f"--out {str(tmp_path / 'out')!r} is in use by another run. Wait for it, or choose another folder."
        )
    with folder.only_here():
        pass


def test_a_notebook_that_records_nothing_has_not_answered(tmp_path, notebook, ask):
    path = notebook(tmp_path / "notebooks", "00_regions")
    path.write_text(path.read_text().replace("findings.record()", "pass"))
    assert ask().results["00_regions"].reason == (
        "the notebook ended without recording its findings. End it with findings.record()."
    )


def _gone(word, seconds=15):
    """Tell whether no process has the word in its command line, after some time to end."""
    for _ in range(seconds * 5):
        listed = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
        if not any(word in line for line in listed):
            return True
        time.sleep(0.2)
    return False


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a system with SIGKILL")
def test_an_interrupted_run_says_that_its_answers_are_kept(tmp_path, notebook, tiny_bank):
    books, out = tmp_path / "notebooks", tmp_path / "out"
    notebook(books, "10_slow", evidence=["import time\ntime.sleep(60)"])
    command = [
        sys.executable, "-m", "crmlab", "run", "--source", str(tiny_bank), "--out", str(out), "--notebooks", str(books),
    ]  # fmt: skip
    # a suite that was started in the background may ignore the signal, and its children with it
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heard)
    assert run.stdout.readline() == "10_slow: running 11 cells\n"
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert said == "\ncrmlab: interrupted. What was answered is kept; the same command goes on from there.\n"
    assert [p.name for p in out.iterdir()] == [".lock"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a system with SIGKILL")
def test_a_killed_run_goes_on_where_it_stopped(tmp_path, notebook, tiny_bank):
    books, out, flag = tmp_path / "notebooks", tmp_path / "out", tmp_path / "wait"
    flag.touch()
    notebook(books, "00_quick")
    waiting = f"import os, time\ntime.sleep(60 if os.path.exists({str(flag)!r}) else 0)"
    notebook(books, "10_slow", evidence=[waiting])
    command = [
        sys.executable, "-m", "crmlab", "run", "--source", str(tiny_bank), "--out", str(out), "--notebooks", str(books),
        "--jobs", "1",
    ]  # fmt: skip
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in first.stdout:
        if line.startswith("10_slow: running"):
            break
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert (out / "00_quick" / "result.json").exists()
    assert not (out / "10_slow").exists()
    begun = next(out.glob(".begun-10_slow*")).name
    assert _gone(begun), "the worker computes on for nobody"
    flag.unlink()
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert "00_quick: unchanged, reused" in second.stdout
    assert "10_slow: answered in" in second.stdout
    assert [p.name for p in out.glob(".begun*")] == []


def test_the_command_prints_the_end_and_exits_with_1_on_failure(site):
    command = [
        sys.executable, "-m", "crmlab", "run", "--source", str(site.root / "nowhere"), "--out", str(site.out),
        "--notebooks", str(site.books),
    ]  # fmt: skip
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("crmlab: ")
    assert "nowhere" in refused.stderr


def test_each_notebook_gets_its_share_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.delenv("CRMLAB_MEMORY", raising=False)
    given = _environment("00_regions", tmp_path, 2)
    assert {given[n] for n in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CRMLAB_THREADS")} == {"4"}
    assert (given["PYTHONHASHSEED"], given["CRMLAB_MEMORY"]) == ("0", "1000MB")
    assert given["MPLBACKEND"] == "module://matplotlib_inline.backend_inline"


def test_a_change_of_the_package_counts(tmp_path):
    from crmlab.reporting.identity import package_hash

    (tmp_path / "bank").mkdir()
    (tmp_path / "simulation").mkdir()
    (tmp_path / "bank" / "a.py").write_text("a = 1\n")
    before = package_hash(tmp_path)
    assert before != hashlib.sha256().hexdigest()
    package_hash.cache_clear()
    (tmp_path / "simulation" / "b.py").write_text("b = 1\n")
    assert package_hash(tmp_path) == before
    package_hash.cache_clear()
    (tmp_path / "bank" / "a.py").write_text("a = 2\n")
    assert package_hash(tmp_path) != before


def test_a_relative_source_means_the_same_in_jupyterlab(tiny_bank, tmp_path, monkeypatch):
    from crmlab.bank import Bank

    shutil.copytree(tiny_bank, tmp_path / "data" / "tiny")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr("crmlab.bank.sources.project_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path / "notebooks")
    assert Bank.open("data/tiny").name == "Tiny <Bank>"


MODEL = 'findings.model("regions", {"basis": "regions", "shares": [0.5, 0.3]}, label="shares of regions")'
PARAMETERS_WITH_FILE = """source: str = "data/simulated"  # bank to read
as_of: str = ""  # YYYY-MM-DD; empty: the last day known
model: str = ""  # path of a file that an earlier run kept under models; empty: learn anew"""


def _with_model(notebook, folder):
    """A notebook that says what the model of an earlier run holds, if one is named."""
    answer = """from crmlab.findings import read_model
known = read_model(model, basis="regions")["shares"] if model else "nothing"
findings.answer(f"It holds {known}.")"""
    path = notebook(folder, "00_next", evidence=["1"], answer=answer)
    book = json.loads(path.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = PARAMETERS_WITH_FILE
    path.write_text(json.dumps(book), encoding="utf-8")


def test_a_later_run_assigns_by_the_model_of_an_earlier_one(ask, notebook, tmp_path, monkeypatch):
    notebook(tmp_path / "notebooks", "10_model", evidence=[MODEL])
    first = ask("10")
    kept = first.out / "10_model" / "models" / "regions.json"
    assert "10_model/models/regions.json" in first.results["10_model"].files
    page = (first.out / "10_model" / "10_model.html").read_text(encoding="utf-8")
    assert "(<code>models/regions.json</code>): shares of regions." in page
    _with_model(notebook, tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)  # where the command is given, not where the notebook runs
    named = ["model=out/10_model/models/regions.json"]
    done = ask("00", parameters=named)
    assert done.results["00_next"].headline == "It holds [0.5, 0.3]."
    page = (done.out / "00_next" / "00_next.html").read_text(encoding="utf-8")
    assert "out/10_model/models/regions.json" in page
    assert str(tmp_path) not in page
    assert ask("00", parameters=named).results["00_next"].reused
    kept.write_text(kept.read_text(encoding="utf-8").replace("0.3", "0.4"), encoding="utf-8")
    again = ask("00", parameters=named).results["00_next"]  # the same name, another content
    assert (again.reused, again.headline) == (False, "It holds [0.5, 0.4].")


def test_a_file_that_is_not_there_is_told_before_anything_runs(ask, notebook, tmp_path):
    _with_model(notebook, tmp_path / "notebooks")
    assert _refusal(lambda: ask("00", parameters=["model=nowhere.json"])) == (
        "00_next: model='nowhere.json' is not a file. Give the path of one, or leave it empty."
    )


def test_a_model_that_names_a_customer_is_not_kept(ask, notebook, tmp_path):
    notebook(tmp_path / "notebooks", "10_model", evidence=['findings.model("regions", {"of": ["like A" + "0007"]})'])
    done = ask("10")
    assert done.results["10_model"].reason.startswith(
        "10_model: the model 'regions' shows an identifier of customers.customer_id and is not published."
    )
    assert not (done.out / "10_model" / "models").exists()
