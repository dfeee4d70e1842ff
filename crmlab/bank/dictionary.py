# ruff: noqa: E501  a row of a Markdown table is one line
"""The contract as a dictionary for people: `python -m crmlab.bank.dictionary` writes it into `data/README.md`."""

from __future__ import annotations

from pathlib import Path

from crmlab.bank.contract import KINDS, Column, Table
from crmlab.bank.tables import CONTRACT

__all__ = ["END", "render", "write_dictionary"]

END = "<!-- End of what is written from the contract. What follows is written by hand. -->\n"

_HEAD = """\
# Data: what a bank's tables look like

<!-- Written by `python -m crmlab.bank.dictionary` from crmlab/bank/tables.py. Down to the mark at its end, change the contract, not this file. -->

crmlab reads a bank through one contract: the tables and columns below. All tables but `customers` are optional (a bank
with only a flat customer file gives `snapshot` instead), and so are all columns that are not marked as required. A
question whose tables are missing is told as such; the others run.

Data are never committed: everything in this folder but this file, `mappings/` and `questionnaires/` is ignored by git.

## How to bring a bank
- **A folder** with `customers.parquet`, `accounts.csv` and so on, named after the tables; a table in many files goes into
  a folder of its own, `transactions/*.parquet`. CSV is UTF-8 with a header; the delimiter (`,` `;` tab `|`) is found.
- **A DuckDB file** whose tables carry these names.
- **A mapping**, `bank.yml`, for a real extract: other names, words, date formats, signs, encodings, several files a
  table, SQL for a table, a database. `mappings/berka.yml` is a worked example.

`crmlab check SOURCE` tells every violation at once, with its count and its cure, writes the broken rows to a quarantine
file, and lists which questions the tables can answer. A row that breaks a required column, its key or the date of an
event is set aside; in other columns the broken cell is emptied and the row stays. So is a closing or leaving that lies
after the extract: it has not happened. Both are counted, and both are in the quarantine file as they were found. Rows
that refer to a row that was set aside are set aside with it.

## bank.yml
| key | meaning |
|---|---|
| `name`, `currency` | name of the bank; ISO 4217 code (EUR) |
| `minor_units` | minor units of the currency: 100 for cents, 1 for yen |
| `timezone` | IANA zone of the bank's local time (UTC); times with an offset are moved to it, times without are taken as local |
| `extracted_on` | day of the extract; no row may be dated later (without it: today) |
| `report_on` | day a report speaks from when none is named, where the last day known would mislead |
| `questionnaire` | what the surveys ask: a name in `questionnaires/`, or the path of a `.yml` file beside this one; without it, recognised by the items |
| `label_means` | what `churned` of a flat `snapshot` means, in one word for a sentence (`subscribed`); without it, that the customer left |
| `folder` | where the files are, when not beside the mapping |
| `sources` | files that several tables are made of, by a name for SQL: `files`, `delimiter`, `encoding`, `nulls` |
| `database` | string that DuckDB can attach, read-only, for use in `sql` as `database.schema.table`; never written anywhere |
| `tables` | contract table: one of `files`, `source`, `table`, `sql`, then the keys below |

`${NAME}` in `folder` and `database` is an environment variable. Keys of a table:

| key | meaning |
|---|---|
| `files` | a name, a pattern such as `trans_*.csv`, or a list |
| `source` / `table` / `sql` | a name under `sources`; a table of the database; one SELECT over both |
| `delimiter`, `encoding` | of text files; found, and UTF-8, unless given |
| `decimal`, `thousands` | signs in numbers: `decimal: ","` and `thousands: "."` read 1.234,56 |
| `date_format`, `time_format` | such as `"%d.%m.%Y"` or a list of them; without: YYYY-MM-DD HH:MM:SS |
| `nulls` | texts that stand for an empty cell, such as `["?", "NULL", "9999-12-31"]` |
| `columns` | contract column: source column, or a mapping with the keys below; empty leaves it out. A column that is not named here is taken by its own name |

| key of a column | meaning |
|---|---|
| `from` | source column |
| `words` | source word: contract word (empty: no value) |
| `format`, `nulls` | as for the table, for this column only |
| `sign` | `{by: type, negative: [DEBIT]}`: the amount is negative where column `type` holds one of these |
| `unit` | `minor` when the amount is in cents |
| `sql`, `value` | an expression over the source's columns; the same value in every row |

## Units
"""


def render() -> str:
    """Return the dictionary as Markdown."""
    parts = [_HEAD]
    parts.append("| kind | in files | meaning |\n|---|---|---|\n")
    parts += [f"| {kind} | {file} | {about} |\n" for kind, (_, file, about) in KINDS.items()]
    parts.append(
        "\nNames end in their unit: `_on` date, `_at` time, `_amount` money, `_share` 0 to 1, `_count`, `_days`, `_months`;"
        " flags begin with `is_`.\nMoney in files has the decimals of the currency; `DECIMAL(18,2)` is for cents.\n"
    )
    parts.append("\n## Tables\n| table | one row is | key | known from |\n|---|---|---|---|\n")
    for table in CONTRACT.values():
        known = f"`{table.known_on}`" if table.known_on else "always"
        keys = ", ".join(f"`{name}`" for name in table.key)
        parts.append(f"| [{table.name}](#{table.name}) | {table.about} | {keys} | {known} |\n")
    parts += [_table(table) for table in CONTRACT.values()]
    return "".join([*parts, "\n", END])


def _table(table: Table) -> str:
    text = f"\n## {table.name}\n{table.about[0].upper()}{table.about[1:]}.\n\n"
    if table.open_ended:
        text += (
            "Further columns are kept: numbers as numbers, the rest as text; a name that ends in `amount` is money.\n\n"
        )
    text += "| column | kind | required | meaning | rules |\n|---|---|---|---|---|\n"
    for column in table.columns:
        required = "yes" if column.required else ""
        text += f"| `{column.name}` | {column.kind} | {required} | {column.about} | {_rules(column)} |\n"
    return text


def _rules(column: Column) -> str:
    rules = []
    if column.words:
        rules.append("one of " + ", ".join(f"`{word}`" for word in column.words))
    if column.low is not None and column.high is not None:
        rules.append(f"{column.low:g} to {column.high:g}")
    elif column.low is not None:
        rules.append(f"at least {column.low:g}")
    if column.refers:
        rules.append(f"in `{column.refers}`")
    if column.not_before:
        rules.append(f"not before `{column.not_before}`")
    if column.revealed_by:
        rules.append(
            f"known from `{column.revealed_by}`" if column.revealed_by != column.name else "known from that day"
        )
    if column.future:
        rules.append("may lie ahead")
    return "; ".join(rules)


def write_dictionary(path: Path | None = None) -> Path:
    """Write the dictionary to ``data/README.md`` of the project, or elsewhere; what follows its end stays."""
    path = path or Path(__file__).resolve().parents[2] / "data" / "README.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = path.read_text(encoding="utf-8").partition(END)[2] if path.is_file() else ""
    path.write_text(render() + kept, encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write_dictionary())  # the one place that speaks: it is a command
