"""Whether an answer was right: kept once a person, changeable, exported for the evaluations."""

import json
from pathlib import Path

from sqlalchemy import Engine
from typer.testing import CliRunner
from web.test_chat_page import answered
from web_fixture import WORKS, Works

from copilot.cli import cli


async def test_feedback_is_kept_shown_and_exported(
    works: Works, own_engine: Engine, tmp_path: Path
):
    client = await works.client("olga")
    conversation, run = await answered(works, client, "how is the mixer?")
    path, why = f"/runs/{run}/feedback", 'it is <b>"broken"</b>'
    assert (await client.post(path, json={"right": True})).status_code == 200
    assert (await client.post(path, json={"right": False, "why": why})).status_code == 200
    page = (await client.get(f"/chat/{conversation}")).text
    assert 'data-act="wrong" aria-pressed="true"' in page
    assert "it is &lt;b&gt;&#34;broken&#34;&lt;/b&gt;" in page

    plant, config = tmp_path / "site.toml", tmp_path / "copilot.toml"
    plant.write_text(WORKS, encoding="utf-8")
    url = own_engine.url.render_as_string(hide_password=False)
    config.write_text(f'plant = "{plant}"\n[database]\nown = "{url}"\n', encoding="utf-8")
    printed = CliRunner().invoke(cli, ["feedback", "--config", str(config)])
    assert printed.exit_code == 0, printed.output
    (line,) = printed.stdout.splitlines()
    kept = json.loads(line)
    assert kept["question"] == "how is the mixer?"
    assert kept["calls"] == [{"tool": "read_signals", "asset": "M-1"}]
    assert "15.5 A" in kept["answer"]
    assert (kept["right"], kept["why"], kept["who"]) == (False, why, "olga")
    assert kept["when"] == works.clock().isoformat()


async def test_feedback_takes_only_sense(works: Works):
    client = await works.client("olga")
    _, run = await answered(works, client, "hello")
    for body in ({"right": "yes"}, {"why": "x"}, {"right": True, "stars": 5}):
        assert (await client.post(f"/runs/{run}/feedback", json=body)).status_code == 422
    long = await client.post(f"/runs/{run}/feedback", json={"right": True, "why": "x" * 1001})
    assert long.status_code == 400
