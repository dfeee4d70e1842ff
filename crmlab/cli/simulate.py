"""`crmlab simulate`: write a simulated bank."""

from __future__ import annotations

import os

import click

from crmlab.simulation.defects.catalogue import DEFECTS

__all__ = ["command"]


_HELP = f"""Write a simulated bank: contract tables as Parquet, bank.yml, and the truth behind them in truth/.

\b
Defects for --plant, by name with commas between them, or all:
{chr(10).join(f"  {name:<11} {about}" for name, about in DEFECTS.items())}
"""


@click.command("simulate", help=_HELP)
@click.option("--customers", type=int, default=5_000, show_default=True, help="Customers on the first day, 2023-01-01.")
@click.option("--months", type=int, default=36, show_default=True, help="Months from January 2023 on, 1 to 600.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same bytes.")
@click.option("--out", type=click.Path(), required=True, help="Folder to write; an earlier simulated bank is replaced.")
@click.option("--force", is_flag=True, help="Write into a folder that holds something else.")
@click.option(
    "--jobs",
    type=int,
    default=None,
    help="Processes; changes no byte. Default: 1, or all cores from 20,000 customers on.",
)
@click.option("--plant", default="", metavar="NAMES", help="Defects to plant, for trying the checks; see above.")
def command(customers: int, months: int, seed: int, out: str, force: bool, jobs: int | None, plant: str) -> None:
    """Simulate a bank with a progress bar and say what was written."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table

    from crmlab.simulation import simulate

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("Simulating blocks of 1,000 customers", total=max(1, -(-customers // 1000)))
        written = simulate(
            out,
            customers=customers,
            months=months,
            seed=seed,
            force=force,
            processes=jobs if jobs is not None else (os.cpu_count() or 1) if customers >= 20_000 else 1,
            plant=plant,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    table = Table("table", "rows", "MB", title=f"Simulated bank in {written.folder}", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    for name, rows in written.rows.items():
        table.add_row(name, f"{rows:,}", f"{written.sizes[name] / 1e6:.1f}")
    table.add_row("total", f"{sum(written.rows.values()):,}", f"{sum(written.sizes.values()) / 1e6:.1f}", style="bold")
    Console().print(table)
    if plant:
        click.echo(f"Defects were planted; {written.folder / 'truth' / 'planted.yml'} says which and where.")
    click.echo(f"{written.seconds:.1f} seconds.")
