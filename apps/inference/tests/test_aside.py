"""Work beside the requests: it gathers, it settles, and what fails is not the end of it."""

import threading

from apps.inference.aside import Aside


def test_what_comes_within_the_pause_is_worked_on_together():
    lists = []
    aside = Aside("gathering", 100, lists.append, pause=60)
    aside.start()
    for number in range(5):
        aside.put(number)
    aside.settle()  # it does not sit the minute out
    assert [one for some in lists for one in some] == [0, 1, 2, 3, 4]
    assert len(lists) < 5


def test_settling_does_not_wait_for_a_thread_that_was_never_started():
    aside = Aside("silent", 10, lambda some: None)
    aside.put(1)
    aside.settle()


def test_a_full_line_says_so_and_a_failure_is_not_the_end():
    seen, go = [], threading.Event()

    def work(some):
        go.wait(30)
        seen.extend(some)
        if 0 in some:
            raise ValueError("the first list fails")

    aside = Aside("failing", 1, work)
    aside.start()
    aside.put(0)
    put = [aside.put(number) for number in range(1, 4)]
    assert not all(put)  # one is worked on and one waits at most
    go.set()
    aside.settle()
    aside.put(9)
    aside.settle()
    assert seen[0] == 0
    assert seen[-1] == 9
