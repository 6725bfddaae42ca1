from dataclasses import replace

from desk_fixture import SITE, Office

from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.approvals.waiting import waiting_for


def _waiting(office: Office, name: str, *records: Record) -> int:
    return waiting_for(SITE, records, office.actor(name))


def test_a_change_waits_for_who_is_in_charge_of_its_area_and_did_not_ask(office: Office):
    record = office.propose()
    counts = {name: _waiting(office, name, record) for name in ("sara", "sven", "emil", "tina")}
    assert counts == {"sara": 1, "sven": 0, "emil": 1, "tina": 0}
    assert _waiting(office, "olga", record) == _waiting(office, "olga.boss", record) == 0
    assert _waiting(office, "root", record) == 0


def test_nothing_waits_for_somebody_off_shift(office: Office):
    record = office.propose()
    assert waiting_for(SITE, [record], replace(office.actor("erna"), on_shift=False)) == 0


def test_what_needs_nobody_else_waits_for_who_asked(office: Office):
    record = office.acknowledge()
    assert _waiting(office, "olga", record) == 1
    assert _waiting(office, "sara", record) == 0


def test_what_is_decided_waits_no_more_and_what_is_unknown_waits_again(office: Office):
    ready = office.approve(office.propose(), "sara")
    assert _waiting(office, "sara", ready) == 0
    unknown = office.carry_out(ready, State.UNKNOWN)
    assert _waiting(office, "sara", unknown) == 1
    assert _waiting(office, "sven", unknown) == 0
