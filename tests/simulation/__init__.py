"""Simulates owners, service, phone, store, clocks and crashes in one process, with the code that ships.

Tests that kill real processes find what is likely. The promise is about what is possible, so here every order is tried:

- An **owner** is a process that calls `send_once`, or that is called with an event (owners.py, events.py). Its code
  runs as a greenlet, up to the next **question** to the world: a call of the journal or the store, a request that
  leaves, its answer, a page of the log, a pause (programs.py).
- The **world** holds what owners share, and says which **actions** are possible now: an owner goes on with its
  question; is killed; a request arrives, is refused or gets lost; time passes; a clock is set (scheduler.py, sends.py).
  Whatever is a fault costs one of a **budget**: "2 crashes, 1 lost" means at most so many in one story.
- Two questions have one point between them: after the first is before the second. What an owner does there is seen by
  nobody else. Kills, delays and everything else happen at these points.
- **Promises** are checked after each action (promises.py, and the docstring of `EventWorld`). When all owners have
  ended, their leases pass, and a last, undisturbed owner asks for the outcome of each key.

`explore` tries all actions in all orders, breadth first, and goes on once from worlds that cannot be told apart. It
does not copy running code: an owner's code is deterministic, so where it stands is the list of answers that it got, and
it is run again only for a list that is new (`Moment`). `play` follows one order: at random from a seed, or a given one.
The story of a broken promise is told in sentences; that of a random play is shortened first (story.py).

    pytest tests/simulation -s                    # prints how many states and orders there are
    SMSMOBILE_SIMULATION_SEED=17 pytest tests/simulation/test_sends_played.py

Left out: sockets and what requests does with them (tests/faults), files, databases and real kills (tests/crash,
tests/stores), and threads within one owner. `BulkSender` is played with one worker, which needs no threads, and not
explored; it sends through the same `Sender`.
"""
