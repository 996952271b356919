import threading

import pytest

from vqfr_core.serving.turns import BusyError, Turns


def test_those_who_wait_come_in_order_and_are_bounded():
    turns, order, first = Turns(1, 2), [], threading.Event()

    def work(name: int) -> None:
        with turns.turn():
            if name == 0:
                first.wait(10)
            order.append(name)

    threads = []
    for name in range(3):
        threads.append(threading.Thread(target=work, args=(name,)))
        threads[-1].start()
        while len(turns._queue) <= name:
            pass
    assert turns.num_waiting == 2
    with pytest.raises(BusyError, match="2 requests wait already"), turns.turn():
        pass
    first.set()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2] and turns.num_waiting == 0


def test_some_work_at_once_and_an_error_gives_the_place_back():
    turns = Turns(2, 1)
    with turns.turn(), turns.turn():
        assert turns.num_waiting == 0
    with pytest.raises(ValueError, match="bug"), turns.turn():
        raise ValueError("bug")
    with turns.turn():
        pass
