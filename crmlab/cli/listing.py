"""`crmlab list`: the questions, the tables they need and their parameters."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command()
@click.argument("notebook", nargs=-1)
@click.option("--notebooks", default="", help="Folder of the notebooks.  [default: the project's]")
def command(notebook: tuple[str, ...], notebooks: str) -> None:
    """List the questions, the tables they need and their parameters with default and meaning.

    NOTEBOOK is a name or its beginning; none means all.
    """
    from crmlab.bank.engine import project_folder
    from crmlab.errors import refuse
    from crmlab.reporting.questions import choose, questions

    chosen, problems = choose(notebook, questions(notebooks or project_folder() / "notebooks"))
    refuse(*problems)
    for question in chosen:
        click.echo(click.style(question.name, bold=True) + f"  {question.question}")
        facts = {"decision": question.decision, "owner": question.owner, "reads": question.needs.text}
        facts["if present"] = ", ".join(question.needs.optional)
        for name, value in facts.items():
            if value:
                click.echo(f"  {name:<11}{value}")
        own = [p for p in question.parameters if p.name not in ("source", "as_of")]
        shown = [f"-p {p.name}={_written(p.default)}" for p in own]
        for text, parameter in zip(shown, own, strict=True):
            click.echo(f"  {text:<{max(map(len, shown))}}  {parameter.help} ({parameter.kind})")
        for problem in question.problems:
            click.echo(f"  {problem}")
        click.echo()
    click.echo("Every question takes --source and --as-of: crmlab run --source FOLDER --as-of YYYY-MM-DD NOTEBOOK")


def _written(default: object) -> str:
    return ",".join(map(str, default)) if isinstance(default, list) else str(default)
