"""`manage.py market_report`: the table, the picture, the exit status."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command


def test_the_report_prints_a_table_and_draws_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "market.png"
    # So few games may miss a fact by chance; what is said and how it ends must agree.
    try:
        call_command("market_report", games=2, seconds=90, first=3, picture=str(picture))
        status = 0
    except SystemExit as ended:
        status = int(str(ended.code))
    *rows, last = capsys.readouterr().out.strip().splitlines()
    summary = json.loads(last)
    assert (summary["games"], summary["seconds"], summary["first"]) == (2, 90, 3)
    assert len(rows) == 11
    assert {row[:3].strip() for row in rows} <= {"ok", "NOT"}
    assert summary["ok"] == (not any(row.startswith("NOT") for row in rows)) == (status == 0)
    assert any(row.startswith("ok") and "same tape" in row for row in rows)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_report_of_nothing_is_refused() -> None:
    with pytest.raises(SystemExit):
        call_command("market_report", games=0, seconds=90, picture="")
