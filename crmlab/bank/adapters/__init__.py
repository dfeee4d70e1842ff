"""Adapters: one module a public data set or layout, each turning its files into a folder in contract form."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.errors import CrmlabError, nearest

if TYPE_CHECKING:
    from crmlab.bank.adapters.report import ImportReport

__all__ = ["ADAPTERS", "Adapter", "adapted_folder", "import_bank"]


@dataclass(frozen=True)
class Adapter:
    """One way to read foreign files.

    Parameters
    ----------
    name : str
        Name on the command line.
    about : str
        What it reads, in one line.
    options : tuple of str
        Options it takes beside the path and the folder.
    files : tuple of str
        Names, without ending, that tell a folder of this data set; empty when nothing tells it.
    """

    name: str
    about: str
    options: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def run(self, path: Path, folder: Path, **options: str) -> ImportReport:
        """Read ``path`` and write contract tables into the empty ``folder``."""
        return import_module(f"crmlab.bank.adapters.{self.name}").read(path, folder, **options)


ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        Adapter(
            "berka",
            "the Czech bank of the PKDD'99 challenge: a folder of account, client, disp and more, .asc or .csv",
            files=("account", "client", "disp"),
        ),
        Adapter("flat", "one file with one row a customer", ("mapping", "label", "snapshot_on")),
        Adapter(
            "survey",
            "one file of answers with one row a respondent",
            (
                "questionnaire",
                "mapping",
                "wave",
                "wave_column",
                "answered_on",
                "id_column",
                "weight_column",
                "missing",
            ),
        ),
    )
}


def import_bank(name: str, path: str | Path, out: str | Path, *, force: bool = False, **options: str) -> ImportReport:
    """Turn a foreign data set into a folder that `Bank.open` reads.

    Parameters
    ----------
    name : str
        A key of `ADAPTERS`.
    path : path
        The data set's folder or file.
    out : path
        Folder to write. It must be new, empty, or written by an earlier import.
    force : bool
        Write into a folder that holds other files too; only files of an earlier import are replaced.
    **options : str
        Options of the adapter; empty ones are ignored.

    Returns
    -------
    ImportReport
        What was read, what was written, what the data lack; also kept as ``import_report.json`` and ``.md``.
    """
    from crmlab.bank.adapters.target import filled_folder
    from crmlab.bank.bank import Bank

    if name not in ADAPTERS:
        raise CrmlabError([f"adapter {name!r} is unknown.{nearest(name, ADAPTERS)} Known: {sorted(ADAPTERS)}."])
    adapter = ADAPTERS[name]
    given = {key: value for key, value in options.items() if value not in (None, "")}
    foreign = [key for key in given if key not in adapter.options]
    if foreign:
        taken = f"It takes {list(adapter.options)}." if adapter.options else "It takes none."
        raise CrmlabError([f"adapter {name!r} has no option {key!r}. {taken} Leave it out." for key in foreign])
    source = Path(path)
    if not source.exists():
        raise CrmlabError([f"{str(path)!r} does not exist. Give the path of {adapter.about}."])
    with filled_folder(Path(out), force=force) as folder:
        report = adapter.run(source, folder, **given)
        report.write(folder)
    # the door judges the rows now, and keeps its verdict: the reader learns of it here, and opening is quick later
    verdict = Bank.open(out).report
    report.findings.extend(
        f"Check: {violation.text}" for violation in verdict.violations if violation.severity != "info"
    )
    report.checks["violations"] = [asdict(violation) for violation in verdict.violations]
    report.write(Path(out))
    return report


def adapted_folder(folder: Path) -> Path | None:
    """Import a folder that an adapter knows by its files, once for the same content, and return the bank's folder.

    The bank lies in the scratch folder with the account of its import. None: no adapter knows the folder.
    """
    from crmlab.bank.engine import scratch_folder
    from crmlab.bank.fingerprint import digest_file

    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".asc", ".csv"))
    stems = {path.stem.lower() for path in files}
    known = next((one for one in ADAPTERS.values() if one.files and stems.issuperset(one.files)), None)
    if known is None:
        return None
    code = sorted(Path(__file__).parent.glob("*.py"))  # an adapter that changed reads the files anew
    content = hashlib.sha256(repr([(path.name, digest_file(path)) for path in (*files, *code)]).encode())
    out = scratch_folder() / "imports" / f"{known.name}-{content.hexdigest()[:24]}"
    if not (out / "bank.yml").is_file():
        try:
            import_bank(known.name, folder, out)
        except CrmlabError:
            # another process may have imported the same content meanwhile
            if not (out / "bank.yml").is_file():
                raise
    return out
