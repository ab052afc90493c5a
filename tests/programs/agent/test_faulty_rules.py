"""What the log of the agent says of rules that fail or are slow."""

import pytest

from leadline.programs.agent.loop import FaultyRules


def test_a_rule_is_named_once_and_again_when_it_was_replaced(caplog: pytest.LogCaptureFixture):
    rules = FaultyRules()
    rules.name({}, {"SHOP-1": "IndexError: 1"})
    rules.name({}, {"SHOP-1": "IndexError: 2"})
    rules.name({"SHOP-1": "it took 3.0 ms"}, {"SHOP-1": "IndexError: 2"})
    rules.name({}, {})
    rules.name({"SHOP-2": "it took 3500.0 ms"}, {"SHOP-1": "IndexError: 3", "SHOP-2": "it did not end"})
    assert [one.message for one in caplog.records] == [
        "rule SHOP-1 failed on an event, and is asked on: IndexError: 1",
        "rule SHOP-1 is too slow: it took 3.0 ms",
        "rule SHOP-2 is too slow: it took 3500.0 ms",
        "rule SHOP-1 failed on an event, and is asked on: IndexError: 3",
    ]
