"""`copilot approvals` against a running controller and a real database."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from account_fixture import PASSWORD, cheap
from click.testing import Result
from faults.changes import SITE, set_to
from faults.plc import SITE as SITE_TEXT
from faults.plc import Plc
from typer.testing import CliRunner

from copilot.accounts.accounts import Accounts
from copilot.actor import Actor, Role
from copilot.approvals.desk import Desk
from copilot.approvals.open_desk import open_desk
from copilot.approvals.states import State
from copilot.approvals.store import Record, move
from copilot.cli.approval_counter import open_counter
from copilot.cli.approvals import approvals
from copilot.db import open_database, writing
from copilot.plant import open_plant
from copilot.proposal import Proposal, Provenance
from copilot.settings import Settings, SettingsError, load_settings
from copilot_tools.changes import Change, Target
from copilot_tools.errors import Denied, Retry
from copilot_tools.plant import Plant
from copilot_tools.plant_state import Observation, observe, preconditions

CONFIG = """\
plant = "plant.toml"
[opcua]
url = "{url}"
timeout_s = 10
[database]
own = "sqlite:///own.db"
plant = "sqlite:///plant.db"
[changes]
mode = "{mode}"
"""
HOSTILE = "\x1b[2K\rWARNING\nA-1 \u202eno\u200b"
PEOPLE = {"olga": Role.OPERATOR, "otto": Role.OPERATOR, "sara": Role.SUPERVISOR}


def utc() -> datetime:
    return datetime.now(UTC)


async def look(plant: Plant, target: Target) -> Observation:
    observed = await observe(plant, target)
    await plant.telemetry.close()
    return observed


class Site:
    """A configured site on disk, with people, and the CLI over it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "plant.toml").write_text(SITE_TEXT, encoding="utf-8")
        (folder / "plant.db").touch()
        self.configure(url, "propose")
        self.engine = open_database(self.settings.database.own)
        self.desk: Desk = open_desk(self.settings, SITE, self.engine, utc)
        accounts = Accounts(self.engine, SITE, utc, cheap())
        for name, role in PEOPLE.items():
            accounts.add(name, role, ["A"], PASSWORD, by="os:root")

    def configure(self, url: str, mode: str) -> None:
        config = CONFIG.format(url=url, mode=mode)
        (self.folder / "copilot.toml").write_text(config, encoding="utf-8")
        self.settings: Settings = load_settings(self.folder / "copilot.toml")

    def propose(self, change: Change, origin: Provenance = Provenance.USER) -> Record:
        """What the gate does with the change of a propose tool."""
        plant = open_plant(self.settings)
        observed = asyncio.run(look(plant, change.target))
        at = utc()
        proposal = Proposal(
            id=uuid4().hex,
            change=replace(change, preconditions=preconditions(SITE, observed)),
            proposer="olga",
            person="olga",
            conversation="c1",
            created=at,
            expires=at + timedelta(minutes=20),
            provenance={"asset": Provenance.CATALOGUE, "value": origin, "reason": Provenance.USER},
        )
        actor = Actor("olga", Role.OPERATOR, "olga", ("A",), authenticated=True)
        return self.desk.submit(actor, proposal, uuid4().hex, observed)

    def run(self, *words: str, password: str = PASSWORD) -> Result:
        config = ["--config", str(self.folder / "copilot.toml")]
        secret = [] if words[0] in ("list", "show") else ["--password-stdin"]
        return CliRunner().invoke(approvals, [*words, *secret, *config], input=f"{password}\n")


@pytest.fixture
def site(tmp_path: Path, plc: Plc, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("COPILOT_CONFIG", "")  # put back afterwards: --config sets it
    monkeypatch.setenv("COLUMNS", "200")
    return Site(tmp_path, plc.url)


def state(site: Site, number: int = 1) -> State:
    return site.desk.get(number).state


def test_the_card_shows_facts_first_and_words_last(site: Site):
    site.propose(set_to("speed", 1100.0, 1000.0))
    card = site.run("show", "1").output
    in_order = [
        "#1 pending_approval  M-1 speed 1000 rpm -> 1100 rpm",
        "value",
        "400 to 2000 rpm",
        "200 rpm",
        "1000 rpm, good, ",
        "olga, ",
        "1 other person",
        "propose-plant-change",
        "M-1 state: running",
        "M-1.speed set value: 1000 rpm ± 0.5 rpm",
        "reason given, from user words:",
        "“a test wants it”",
    ]
    places = [card.index(text) for text in in_order]
    assert places == sorted(places)
    assert "WARNING" not in card
    assert f"{utc().astimezone(SITE.time_zone):%Y-%m-%d}" in card


def test_a_tainted_proposal_says_so_at_the_top(site: Site):
    site.propose(set_to("speed", 1100.0, 1000.0), Provenance.RETRIEVED)
    card = site.run("show", "1").output
    assert card.startswith("WARNING: value came from retrieved text, not from a person")
    assert json.loads(site.run("show", "1", "--json").output)["tainted"] == ["value"]
    assert "RETRIEVED TEXT" in site.run("list").output


def test_approving_shows_the_card_and_takes_reason_and_password(site: Site):
    site.propose(set_to("speed", 1100.0, 1000.0))
    done = site.run("approve", "1", "--user", "sara", "--reason", "within limits")
    assert done.exit_code == 0, done.output
    assert done.output.index("1000 rpm -> 1100 rpm") < done.output.index("#1 is ready")
    assert site.desk.approvals(1)[0].reason == "within limits"
    rows = json.loads(site.run("list", "--json").output)
    assert [(row["number"], row["state"], row["proposer"]) for row in rows] == [
        (1, "ready", "olga")
    ]


@pytest.mark.parametrize(
    ("user", "password", "why"),
    [
        ("sara", "not the password", "name or password is wrong"),
        ("nobody", PASSWORD, "name or password is wrong"),
        ("otto", PASSWORD, "no rule permits this"),
        ("olga", PASSWORD, "somebody else has to approve it"),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_1(site: Site, user: str, password: str, why: str):
    site.propose(set_to("speed", 1100.0, 1000.0))
    done = site.run("approve", "1", "--user", user, "--reason", "go", password=password)
    assert done.exit_code == 1
    assert done.stderr.startswith("copilot: ")
    assert why in done.stderr
    assert state(site) is State.PENDING


def test_what_has_changed_since_is_shown(site: Site, plc: Plc):
    site.propose(set_to("speed", 1100.0, 1000.0))
    plc.order(values={"M-1.state": "stopped", "M-1.speed_setpoint": 1050.0})
    shown = site.run("show", "1").output
    assert "! M-1 state was running, is stopped" in shown
    assert "! M-1.speed set value was 1000 rpm, is 1050 rpm" in shown
    plc.kill()
    dark = site.run("show", "1").output
    assert "! M-1 state cannot be read now" in dark
    assert "cannot see" in dark
    plc.start()


def test_what_changes_while_somebody_reads_the_card_is_no_approval(site: Site, plc: Plc):
    site.propose(set_to("speed", 1100.0, 1000.0))
    counter = open_counter(site.settings)
    shown = counter.print_card(1)
    plc.order(values={"M-1.speed_setpoint": 1020.0})
    with pytest.raises(Retry, match="while you were reading, M-1.speed set value was"):
        counter.approve(shown, "sara", PASSWORD, "go")
    counter.close()
    assert state(site) is State.PENDING


def test_confirm_reject_withdraw_resolve_and_undo(site: Site, plc: Plc):
    assert site.run("list").output == "Nothing is proposed.\n"
    site.propose(set_to("speed", 1100.0, 1000.0))
    refused = site.run("confirm", "1", "-u", "olga", "-r", "go")
    assert "needs the approval of somebody else" in refused.stderr
    assert "#1 is rejected: no" in site.run("reject", "1", "-u", "sara", "-r", "no").output
    site.propose(set_to("speed", 1100.0, 1000.0))
    wrong = site.run("withdraw", "2", "-u", "olga", "-r", "no", password="not this one")
    assert wrong.exit_code == 1
    assert "#2 is withdrawn: no" in site.run("withdraw", "2", "-u", "olga", "-r", "no").output
    site.propose(set_to("speed", 1100.0, 1000.0))
    site.run("approve", "3", "-u", "sara", "-r", "go")
    with writing(site.engine) as connection:
        taken = move(connection, site.desk.get(3), State.EXECUTING, "executor", utc())
        move(connection, taken, State.UNKNOWN, "executor", utc())
    words = ("--applied", "--evidence", "read at the panel", "-u", "sara")
    assert "#3 is resolved_applied: read at the panel" in site.run("resolve", "3", *words).output
    plc.order(values={"M-1.speed_setpoint": 1100.0})
    undone = site.run("undo", "3", "-u", "olga")
    assert "#4 is pending_approval" in undone.output
    assert "1100 rpm -> 1000 rpm" in undone.output
    assert "#3 M-1 speed 1000 rpm -> 1100 rpm" in undone.output
    every = site.run("list", "--all").output.splitlines()
    assert [line.split()[0] for line in every] == ["#1", "#2", "#3", "#4"]


def test_the_breaker_is_reset_by_a_supervisor(site: Site):
    for turn in range(5):
        site.propose(set_to("speed", 1900.0 + turn, 1000.0))
    mine = site.run("reset-breaker", "olga", "-u", "olga")
    assert (mine.exit_code, "another person" in mine.stderr) == (1, True)
    done = site.run("reset-breaker", "olga", "-u", "sara")
    assert (done.exit_code, done.output) == (0, "olga may propose again.\n")


def test_everybody_may_stop_and_somebody_in_charge_releases(site: Site):
    site.propose(set_to("pressure", 6.5, 6.0))
    stopped = site.run("stop", "-u", "olga", "-r", "smell of burning")
    assert (stopped.exit_code, "Changes are stopped" in stopped.output) == (0, True)
    with pytest.raises(Denied, match="stopped for everybody by olga: smell of burning"):
        site.propose(set_to("speed", 1100.0, 1000.0))
    assert "changes are stopped by olga" in site.run("show", "1").output
    mine = site.run("release", "-u", "otto", "-r", "all clear")
    assert (mine.exit_code, "released by a supervisor" in mine.stderr) == (1, True)
    assert site.run("release", "-u", "sara", "-r", "all clear").exit_code == 0
    assert site.propose(set_to("speed", 1100.0, 1000.0)).state is State.PENDING


def test_the_kill_switch_needs_no_policy(site: Site):
    config = site.folder / "copilot.toml"
    text = config.read_text(encoding="utf-8")
    (site.folder / "broken.cedar").write_text("permit (", encoding="utf-8")
    broken = text.replace("[changes]", '[changes]\npolicy = "broken.cedar"')
    config.write_text(broken, encoding="utf-8")
    assert site.run("list").exit_code != 0
    assert site.run("stop", "-u", "olga", "-r", "smell of burning").exit_code == 0


def test_a_password_on_standard_input_is_never_taken_for_a_reason(site: Site):
    site.propose(set_to("speed", 1100.0, 1000.0))
    done = site.run("reject", "1", "-u", "sara")
    assert (done.exit_code, "needs the reason as an option" in done.stderr) == (2, True)
    assert state(site) is State.PENDING


def test_a_read_only_copilot_says_so(site: Site, plc: Plc):
    site.configure(plc.url, "read-only")
    done = site.run("list")
    assert isinstance(done.exception, SettingsError)
    assert "this copilot is read-only" in str(done.exception)


def test_an_unknown_number_is_exit_code_1(site: Site):
    done = site.run("show", "9")
    assert (done.exit_code, done.stderr) == (1, "copilot: there is no proposal 9\n")


def test_no_text_of_a_proposal_steers_the_terminal(site: Site):
    change = replace(set_to("speed", 1100.0, 1000.0), reason=f"ok {HOSTILE}")
    site.propose(replace(change, says=f"nothing {HOSTILE}"))
    for done in (site.run("show", "1"), site.run("list"), site.run("show", "1", "--json")):
        assert all(line.isprintable() for line in done.output.split("\n")), done.output
    assert "“ok �[2K�WARNING�A-1 �no�”" in site.run("show", "1").output
    assert "M-1 speed 1000 rpm -> 1100 rpm" in site.run("list").output


@pytest.mark.parametrize("hostile", ["\udcff", "go\x1b[2K", "go\u202e"])
def test_what_cannot_be_seen_or_stored_is_refused_in_one_line(site: Site, hostile: str):
    site.propose(set_to("speed", 1100.0, 1000.0))
    for words in (("-u", "sara", "-r", hostile), ("-u", f"sara{hostile}", "-r", "go")):
        done = site.run("reject", "1", *words)
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
        assert "cannot be shown" in done.stderr
    assert state(site) is State.PENDING


def test_list_and_card_fit_80_columns(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    site.propose(set_to("speed", 1100.0, 1000.0), Provenance.RETRIEVED)
    for done in (site.run("list"), site.run("show", "1")):
        assert max(map(len, done.output.splitlines())) <= 80
        assert "…" not in done.output
    (first, *_) = site.run("list").output.splitlines()
    assert first.startswith("#1  pending_approval  RETRIEVED TEXT")
    assert first.rstrip()[-16:-6] == f"{utc().astimezone(SITE.time_zone):%Y-%m-%d}"
