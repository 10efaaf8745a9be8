from __future__ import annotations

from pathlib import Path

import pytest

from leadhouse import settings


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting of the person who runs the tests, no leadhouse.toml, everything written below ``tmp_path``."""
    import os

    for name in list(os.environ):
        if name.startswith("LEADHOUSE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LEADHOUSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(settings, "SETTINGS_FILE", tmp_path / "leadhouse.toml")
    return tmp_path
