from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from policy_fixture import DEFAULT, POLICY, ask, speed, without
from sqlalchemy import Engine, insert
from typer.testing import CliRunner

from copilot import tables
from copilot.approvals import store
from copilot.audit.log import Entry, append
from copilot.cli.policy import site_policy
from copilot.db import migrate, open_database, writing
from copilot.policy.policy import shipped
from copilot.policy.replay import recorded, replay
from copilot.policy.request import Request, write_request
from copilot.proposal import Proposal, Provenance

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)


def run(*arguments: object):
    return CliRunner().invoke(site_policy, [str(argument) for argument in arguments])


def decided(request: Request) -> dict:
    """A decision as the desk writes it into an audit row."""
    decision = POLICY.decide(request)
    return {
        "request": write_request(request),
        **{name: value for name, value in asdict(decision).items() if name != "rules"},
        "rules": [rule.id for rule in decision.rules],
        "errors": list(decision.errors),
    }


@pytest.fixture
def site(tmp_path: Path) -> tuple[Path, Engine]:
    """A site's configuration and its own database."""
    (tmp_path / "plant.toml").write_text(shipped("default_plant.toml"), encoding="utf-8")
    config = tmp_path / "copilot.toml"
    config.write_text(f'[database]\nown = "sqlite:///{tmp_path / "own.db"}"\n', encoding="utf-8")
    engine = open_database(f"sqlite:///{tmp_path / 'own.db'}")
    migrate(engine)
    return config, engine


def write_rows(engine: Engine, proposal: str = "") -> None:
    with writing(engine) as connection:
        rows = (
            ("proposal.pending_approval", {"decision": decided(speed())}),
            ("approval.given", {"decision": decided(speed(verb="approve", role="engineer"))}),
            (
                "proposal.executing",
                {
                    "decisions": [
                        decided(speed(verb="approve", role="engineer")),
                        decided(speed(verb="execute", approvers=1)),
                    ]
                },
            ),
            ("proposal.verified", {"note": "as wanted"}),
        )
        for kind, data in rows:
            append(connection, Entry(kind, "somebody", proposal, data), AT)


def test_check_counts_the_rules_and_names_the_hash():
    result = run("check")
    assert result.exit_code == 0
    assert "8 rules permit, 11 forbid" in result.output
    assert POLICY.hash in result.output


def test_check_of_a_file_needs_the_plant_it_speaks_of(tmp_path: Path):
    policy, plant = tmp_path / "site.cedar", tmp_path / "plant.toml"
    policy.write_text(DEFAULT, encoding="utf-8")
    plant.write_text(shipped("default_plant.toml"), encoding="utf-8")
    assert run("check", policy, "--plant", plant).exit_code == 0
    policy.write_text(DEFAULT.replace('"admin"', '"admiral"'), encoding="utf-8")
    result = run("check", policy, "--plant", plant)
    assert result.exit_code == 1
    assert "'no-administrators'" in str(result.exception)


def test_test_tells_which_cases_are_answered_otherwise(tmp_path: Path):
    assert run("test").exit_code == 0
    policy, plant = tmp_path / "site.cedar", tmp_path / "plant.toml"
    policy.write_text(without("two-for-tainted"), encoding="utf-8")
    plant.write_text(shipped("default_plant.toml"), encoding="utf-8")
    table = tmp_path / "cases.toml"
    table.write_text(shipped("default_cases.toml"), encoding="utf-8")
    result = run("test", table, "--plant", plant, "--policy", policy)
    assert result.exit_code == 1
    assert "tainted setpoint with one approval: wanted refused by two-for-tainted" in result.output
    assert "answered allowed by one-approval" in result.output


def test_show_prints_what_a_site_can_begin_with():
    assert run("show").output == DEFAULT


def test_explain_says_every_rule_and_invariant():
    output = run("explain").output
    assert all(rule.rule.says in output for rule in POLICY.rules)
    assert "safety-system: What is of the safety system is never written and never sent." in output


def test_explain_says_which_rules_decide_a_case():
    result = run("explain", "--case", "critical setpoint with one approval")
    assert "refused by two-for-critical-setpoint: A critical setpoint needs" in result.output
    assert run("explain", "--case", "no such case").exit_code == 1


def test_explain_says_which_rules_decided_a_proposal(site: tuple[Path, Engine]):
    config, engine = site
    request = speed()
    proposal = Proposal(
        "a" * 32, request.change, "somebody", "Somebody", "", AT, AT, {"value": Provenance.USER}
    )
    with writing(engine) as connection:
        connection.execute(insert(tables.conversations).values(id="c", actor="a", started=AT))
        store.add(connection, proposal, "key", 1, AT)
    write_rows(engine, proposal.id)
    output = run("explain", 1, "--config", config).output
    assert "#1 set it (proposed)" in output
    assert "propose by somebody: allowed by propose-plant-change" in output
    assert "execute by executor: allowed by one-approval" in output
    assert "in words: Setpoints, commands, purchases and holds" in output


def test_replay_finds_nothing_where_the_policy_is_the_same(site: tuple[Path, Engine]):
    config, engine = site
    write_rows(engine)
    result = run("replay", "--config", config)
    assert (result.exit_code, result.output.splitlines()[-1][:31]) == (
        0,
        "4 decisions, 0 would now differ",
    )


def test_replay_shows_what_another_policy_would_decide(site: tuple[Path, Engine], tmp_path: Path):
    config, engine = site
    write_rows(engine)
    stricter = tmp_path / "stricter.cedar"
    ban = '@id("quiet") @says("Nothing today") forbid (principal is User, action, resource);'
    stricter.write_text(f"{DEFAULT}\n{ban}", encoding="utf-8")
    result = run("replay", "--config", config, "--policy", stricter)
    assert result.exit_code == 1
    assert "4 decisions, 3 would now differ" in result.output
    assert "was allowed by propose-plant-change" in result.output
    assert "would be refused by quiet: Nothing today" in result.output


def test_replay_reads_rules_with_and_without_their_words():
    content = decided(ask("hold_batch", "B-77"))
    worded = {**content, "rules": [{"id": "propose-hold", "says": "..."}]}
    rows = [_row(content), _row(worded)]
    assert [r.rules for r in recorded(rows)] == [("propose-hold",), ("propose-hold",)]
    assert not any(replayed.differs for replayed in replay(rows, POLICY))


def test_a_row_that_cannot_be_replayed_is_named():
    content = decided(speed())
    del content["request"]["change"]
    with pytest.raises(ValueError, match="audit row 7 holds no decision: .*change"):
        list(recorded([_row(content)]))


def test_a_recorded_no_stays_a_no():
    refused = decided(replace(speed(), moved=float("nan")))
    assert [r.now.allowed for r in replay([_row(refused)], POLICY)] == [False]


def _row(decision: dict) -> str:
    from copilot.canonical import write_canonical

    return write_canonical(
        {"seq": 7, "at": "", "kind": "", "proposal": "", "data": {"decision": decision}}
    )
