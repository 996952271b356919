import pytest

from vqfr_core.timing import Stopwatch


def test_seconds_add_up_by_stage(monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, 1.5, 10.0, 10.25, 20.0, 22.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    watch = Stopwatch()
    with watch.stage("find"):
        pass
    with watch.stage("restore"):
        pass
    with pytest.raises(ValueError, match="stop"), watch.stage("find"):
        raise ValueError("stop")
    assert watch.seconds == {"find": 3.5, "restore": 0.25}
