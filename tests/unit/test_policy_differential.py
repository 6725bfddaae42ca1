from datetime import timedelta
from itertools import islice
from random import Random

import pytest
from policy_fixture import POLICY, SITE

from copilot_evals.policy import decide_many
from copilot_evals.policy_predicates import allows
from copilot_evals.policy_requests import stream

MANY = 20_000  # 10^5 and more are `copilot eval policy`


@pytest.mark.parametrize("hostile_share", [0.0, 0.5])
def test_policy_and_plain_predicates_agree(hostile_share: float):
    live_age = timedelta(seconds=30)
    allowed = 0
    for request in islice(stream(Random(3), SITE, hostile_share), MANY // 2):
        decision = POLICY.decide(request)
        assert decision.allowed == allows(request, SITE, live_age), (decision, request)
        assert not (decision.allowed and decision.errors)
        allowed += decision.allowed
    assert allowed > MANY // 20


def test_the_evaluation_counts_what_it_decided():
    tally = decide_many(SITE, 500, Random(1))
    assert tally.decisions == 500
    assert tally.spoilt > 10
    assert len(tally.policy_s) == len(tally.predicates_s) == 500 - tally.spoilt
    assert 50 < tally.allowed < 400
    assert tally.allow_with_errors == tally.differing == 0
