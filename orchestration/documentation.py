"""dbt's own documentation of the project: its pages with the graph of all models, and the manifest they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from leadhouse.settings import load_settings
from orchestration.errors import ProjectNotParsed
from orchestration.manifest import DBT_QUIET, dbt_environment


@dataclass(frozen=True)
class Docs:
    """``page``: one HTML file that needs nothing beside it; ``manifest``: the project as dbt parsed it for the page."""

    page: Path
    manifest: Path


@contextmanager
def generated_docs() -> Iterator[Docs]:
    """Runs ``dbt docs generate --static`` into a folder that is gone after the block.

    Types and sizes of tables are those of the warehouse; before the first build there are none.

    Raises:
        ProjectNotParsed: dbt cannot parse or compile the project.
    """
    from dbt.cli.main import dbtRunner

    command = [*DBT_QUIET, "docs", "generate", "--static"]
    if not load_settings().warehouse.exists():
        command += ["--empty-catalog", "--no-compile"]
    with TemporaryDirectory() as folder, dbt_environment():
        result = dbtRunner().invoke([*command, "--target-path", folder])
        if not result.success:
            raise ProjectNotParsed(f"dbt cannot document the project: {result.exception}")
        yield Docs(Path(folder) / "static_index.html", Path(folder) / "manifest.json")
