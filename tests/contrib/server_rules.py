"""What every framework promises behind a server with two workers.

A test module derives a class from `ServerRules`, and gives it a fixture `server` whose lease is not over before a test.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from .deliveries import PUBLISHED, delivery, received
from .live import PATIENCE, Server


class ServerRules:
    """Handlers are called once, what is no delivery is refused, and nothing is acknowledged too early."""

    def test_deliveries_in_parallel_are_handled_once(self, server: Server) -> None:
        guids = [f"parallel-{number}" for number in range(4)]
        with ThreadPoolExecutor(8) as pool:
            statuses = [status for guid in guids for each in pool.map(server.deliver, [guid] * 8) for status in each]
        assert [server.words(guid) for guid in guids] == [["began", "ended"]] * 4
        assert statuses.count(202) == 4
        assert set(statuses) <= {200, 202, 503}

    def test_a_delivery_while_a_slow_handler_runs_that_fails_in_the_end_is_not_acknowledged(
        self, server: Server
    ) -> None:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(server.status, "slow", "wait and fail")
            server.wait_for_handler("slow")
            assert server.status("slow") == 503
            (server.folder / "may-fail").touch()
            assert first.result(PATIENCE) == 500
        assert [server.status("slow"), server.status("slow")] == [202, 200]
        assert server.words("slow") == ["began", "began", "ended"]

    def test_the_published_deliveries_are_acknowledged_and_others_are_not(self, server: Server) -> None:
        published = [delivery(kind.model_fields["type"].default, data) for kind, data in PUBLISHED.items()]
        refused = [received(secret="another secret"), received(age=3600)]
        statuses = [getattr(server.post(it), "status_code", None) for it in [*published, *refused]]
        assert statuses == [202] * len(published) + [401, 401]

    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_large_body_is_answered_before_it_has_come_and_the_next_delivery_is_handled(
        self, server: Server, chunked: bool
    ) -> None:
        assert server.answer_to_an_unfinished_body(chunked=chunked) == 413
        assert server.status(f"after-a-large-body-{chunked}") == 202
