"""``leadhouse contract``: the agreement between marketing and sales as a page that both can sign."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from leadhouse.settings import SettingsError, composed_rules, load_settings


class ContractLanguage(StrEnum):
    """Languages the contract is printed in."""

    en = "en"
    pt = "pt"


def contract_command(
    language: Annotated[ContractLanguage, typer.Option(help="Language of the page.")] = ContractLanguage.en,
    out: Annotated[Path | None, typer.Option(help="File to write instead of printing.")] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Folder of changed rule files, laid over the seeds.")
    ] = None,
) -> None:
    """Print the contract between marketing and sales, made of the rule files alone."""
    from leadhouse.contract_page import contract_markdown, read_contract
    from leadhouse.display import console
    from orchestration.dbt_run import refuse_bad_rules

    settings = load_settings()
    seeds = settings.seeds_dir if rules is None else composed_rules(settings.rule_overlays(rules.resolve()))
    refuse_bad_rules(seeds)
    contract = read_contract(seeds)
    page = contract_markdown(contract, language.value)
    if out is None:
        # Plain, whatever the terminal: the page is to be piped into files.
        typer.echo(page, nl=False)
        return
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--out {out}: cannot be written ({error.strerror}).") from None
    console.print(f"Contract {contract.version}: {out}", soft_wrap=True)
