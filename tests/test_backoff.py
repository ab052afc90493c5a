"""How long to wait before the next attempt."""

from leadline.backoff import backoff_s


def test_each_wait_is_twice_the_one_before_up_to_the_longest():
    assert [backoff_s(failures, 2.0, 30.0) for failures in range(1, 7)] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert backoff_s(10**6, 0.5, 60.0) == 60.0
