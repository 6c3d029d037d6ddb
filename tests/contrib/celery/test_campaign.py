"""`campaign`: a source of any length is sent little by little, can be followed, paused and resumed, and stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from smsmobile import AuthenticationError, ConfigurationError, StorageError
from smsmobile.contrib.celery import Campaign, CampaignProgress, _campaign, _setup, campaign
from smsmobile.contrib.celery._chunk import campaign_chunk
from smsmobile.contrib.celery._progress import Records
from smsmobile.sandbox import Sandbox

HERE = f"{__name__}:"
PATIENCE = 30.0

Row = dict[str, Any]


class Source:
    """What the functions below give; a test changes it."""

    rows: list[Any]
    failure: Exception | None = None
    read = 0


@pytest.fixture(autouse=True)
def _source(monkeypatch: pytest.MonkeyPatch) -> None:
    Source.rows, Source.failure, Source.read = [row(number) for number in range(12)], None, 0
    monkeypatch.setattr(_campaign, "CHUNK", 5)


def row(number: int) -> Row:
    return {"to": f"+336399812{number:02}", "text": f"Reminder {number}", "key": f"appointment-{number}"}


def reminders() -> Iterator[Any]:
    yield from Source.rows
    if Source.failure is not None:
        raise Source.failure


def endless(text: str) -> Iterator[Row]:
    for number in count():
        Source.read = max(Source.read, number)
        yield {"to": "+33639981234", "text": f"{text} {number}"}


def customers(name: str) -> list[Row]:
    return [{"Mobile": "+33639981234", "name": name}, {"Mobile": "12", "name": name}]


def wait_for(started: Campaign, condition: Callable[[CampaignProgress], bool]) -> CampaignProgress:
    deadline = time.monotonic() + PATIENCE
    while not condition(progress := started.progress()):
        assert time.monotonic() < deadline, progress
        time.sleep(0.02)
    return progress


def ended(started: Campaign) -> CampaignProgress:
    return wait_for(started, lambda progress: progress.state not in {"PENDING", "RUNNING"})


def start(*arguments: Any, **options: Any) -> Campaign:
    return Campaign(campaign.delay(*arguments, **options).id)


def sent(box: Sandbox) -> list[str]:
    return sorted(message.message for message in box.phone.outbox)


def test_each_message_of_a_source_is_sent_once(worker: Celery, box: Sandbox) -> None:
    assert ended(start(f"{HERE}reminders")) == CampaignProgress("DONE", None, 12, {"sent": 12})
    assert sent(box) == sorted(row["text"] for row in Source.rows)


def test_a_campaign_that_is_started_again_goes_on_where_the_journal_is(worker: Celery, box: Sandbox) -> None:
    Source.rows, everything = Source.rows[:7], Source.rows
    ended(start(f"{HERE}reminders"))
    Source.rows = everything
    assert ended(start(f"{HERE}reminders")).counts == {"sent": 12}
    assert len(box.phone.outbox) == 12


def test_a_source_takes_arguments_columns_and_a_template(worker: Celery, box: Sandbox) -> None:
    options = {"template": "Hi {name}", "columns": {"to": "Mobile"}}
    assert ended(start(f"{HERE}customers", ["Ann"], **options)).counts == {"sent": 1, "refused": 1}
    assert sent(box) == ["Hi Ann"]


def test_rows_that_are_no_messages_count_as_refused(worker: Celery, box: Sandbox) -> None:
    Source.rows[3:5] = [{"text": "to nobody"}, 7]
    assert ended(start(f"{HERE}reminders")) == CampaignProgress("DONE", None, 12, {"sent": 10, "refused": 2})


def test_an_empty_source_is_done(worker: Celery, box: Sandbox) -> None:
    Source.rows = []
    assert ended(start(f"{HERE}reminders")) == CampaignProgress("DONE", None, 0, {})


def test_no_more_is_read_than_can_be_sent_soon(worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_campaign, "MOST_OPEN", 3)
    monkeypatch.setattr(_campaign, "FEW_OPEN", 1)
    box.faults.add("phone_offline")
    started = start(f"{HERE}endless", ["Hello"])
    wait_for(started, lambda progress: progress.rows > 0 and len(box.requests) > 6)
    assert (started.progress().rows, Source.read) == (15, 14)
    box.faults.clear()
    wait_for(started, lambda progress: progress.rows > 15)
    started.pause()
    ended(started)


def test_a_pause_lasts_until_it_is_resumed(worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_campaign, "visibility_timeout", lambda _: 3600.0)
    box.faults.add("phone_offline")
    started = start(f"{HERE}reminders")
    wait_for(started, lambda progress: progress.rows == 12)
    started.pause()
    assert ended(started)[:2] == ("PAUSED", None)
    box.faults.clear()
    assert sent(box) == []
    started.resume()
    assert wait_for(started, lambda progress: progress.state == "DONE").counts == {"sent": 12}
    assert len(box.phone.outbox) == 12


def test_a_short_pause_that_the_driver_has_not_seen_forgets_no_chunk(
    worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_campaign, "visibility_timeout", lambda _: 3600.0)
    box.faults.add("phone_offline")
    started = start(f"{HERE}reminders")
    wait_for(started, lambda progress: progress.rows == 12)
    run, records = _campaign._Driver.run, Records(worker, started.id)
    monkeypatch.setattr(_campaign._Driver, "run", lambda _: 0.02)
    started.pause()
    deadline = time.monotonic() + PATIENCE
    while not all("left" in (records.chunk(first) or {}) for first in (0, 5, 10)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    box.faults.clear()
    started.resume()
    monkeypatch.setattr(_campaign._Driver, "run", run)
    assert ended(started).counts == {"sent": 12}


def test_a_chunk_that_fails_after_the_campaign_has_stopped_does_not_stop_it_again(
    worker: Celery, configured: Callable[..., Celery], box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_campaign, "MOST_OPEN", 1)
    monkeypatch.setattr(_campaign, "FEW_OPEN", 0)
    box.faults.add("phone_offline")
    started = start(f"{HERE}reminders")
    wait_for(started, lambda progress: progress.rows == 5)

    def stop_meanwhile(*_: Any, **__: Any) -> None:
        started.pause()
        raise AuthenticationError("The API key is wrong.")

    with monkeypatch.context() as patched:
        patched.setattr(_setup.Setup, "send", stop_meanwhile)
        assert ended(started)[:2] == ("PAUSED", None)
    box.faults.clear()
    started.resume()
    assert wait_for(started, lambda progress: progress.state in {"STOPPED", "DONE"}).counts == {"sent": 12}


def test_what_does_not_pass_stops_the_campaign_until_it_is_resumed(
    worker: Celery, configured: Callable[..., Celery], box: Sandbox
) -> None:
    configured(API_KEY="0" * 48)
    started = start(f"{HERE}reminders")
    progress = ended(started)
    assert progress.state == "STOPPED"
    assert "API key" in (progress.reason or "")
    configured(API_KEY=box.api_key)
    started.resume()
    assert wait_for(started, lambda progress: progress.state == "DONE").counts == {"sent": 12}


def test_a_source_that_fails_stops_the_campaign_and_its_text_stays_in_the_log(
    worker: Celery, box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    Source.failure = ValueError("+33639981234")
    started = start(f"{HERE}reminders")
    progress = ended(started)
    assert progress[:2] == ("STOPPED", "The source has raised ValueError, which is in the log of the worker.")
    assert "ValueError: +33639981234" in caplog.text
    Source.failure = None
    started.resume()
    assert wait_for(started, lambda progress: progress.state == "DONE").counts == {"sent": 12}
    assert len(box.phone.outbox) == 12


def test_other_rows_than_before_stop_the_campaign(
    worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_campaign, "MOST_OPEN", 1)
    monkeypatch.setattr(_campaign, "FEW_OPEN", 0)
    box.faults.add("phone_offline")
    started = start(f"{HERE}reminders")
    wait_for(started, lambda progress: progress.rows == 5 and len(box.requests) > 2)
    del Source.rows[0]
    box.faults.clear()
    progress = ended(started)
    assert progress.state == "STOPPED"
    assert "has given other rows than before" in (progress.reason or "")


def test_a_source_that_cannot_be_imported_stops_the_campaign(worker: Celery, box: Sandbox) -> None:
    assert "source is 'shop.sms:none', which cannot be imported" in (ended(start("shop.sms:none")).reason or "")
    assert "expected a module and a name" in (ended(start("reminders")).reason or "")


def test_a_source_whose_module_raises_stops_the_campaign(
    worker: Celery, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop_that_raises.py").write_text("raise RuntimeError('no settings')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    expected = "which cannot be imported: its module raises RuntimeError, which is in the log of the worker."
    assert expected in (ended(start("shop_that_raises:reminders")).reason or "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((7,), "source is of type int; expected text such as 'shop.sms:name'."),
        ((f"{HERE}customers", 7), "arguments is of type int; expected a list."),
        ((f"{HERE}customers", "7"), "arguments is of type str; expected a list."),
    ],
)
def test_wrong_arguments_of_a_campaign_stop_it_and_are_named(
    worker: Celery, box: Sandbox, arguments: tuple[Any, ...], said: str
) -> None:
    assert ended(start(*arguments)) == CampaignProgress("STOPPED", said, 0, {})


def test_a_storage_that_is_away_at_the_first_task_does_not_end_the_campaign(
    worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_campaign, "visibility_timeout", lambda _: 3600.0)
    made = _setup._made
    failed: list[Celery] = []

    def fail_once(app: Celery) -> Any:
        if not failed:
            failed.append(app)
            raise StorageError("The database is away.")
        return made(app)

    monkeypatch.setattr(_setup, "_made", fail_once)
    assert ended(start(f"{HERE}reminders")).counts == {"sent": 12}
    assert failed


def test_a_driver_that_is_delivered_twice_sends_nothing_twice(worker: Celery, box: Sandbox) -> None:
    for _ in range(3):
        campaign.apply_async((f"{HERE}reminders",), task_id="twice")
    assert ended(Campaign("twice")).counts == {"sent": 12}
    assert len(box.phone.outbox) == 12


def test_ten_unknown_messages_in_a_row_stop_the_campaign(
    worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsmobile.contrib.celery._setup.PATIENCE", 0.0)
    monkeypatch.setattr(_campaign, "CHUNK", 20)
    box.log_delay = 600.0
    box.faults.add("reset_after", path="/sendsms/")
    assert ended(start(f"{HERE}reminders")).reason == "The last 10 messages are unknown."
    assert len(box.phone.outbox) == 10


def test_without_a_journal_the_campaign_stops_and_says_what_to_set(
    worker: Celery, configured: Callable[..., Celery], box: Sandbox
) -> None:
    configured(JOURNAL=None)
    progress = ended(start(f"{HERE}reminders"))
    assert progress.state == "STOPPED"
    assert "set app.conf.smsmobile['JOURNAL']" in (progress.reason or "")


def test_a_rate_that_cannot_be_read_stops_the_campaign(
    worker: Celery, configured: Callable[..., Celery], box: Sandbox
) -> None:
    configured(RATE="often", RATE_STORAGE="memory://")
    assert "rate is 'often', which cannot be read" in (ended(start(f"{HERE}reminders")).reason or "")


def test_a_message_that_is_no_json_stops_the_campaign(worker: Celery, box: Sandbox) -> None:
    Source.rows[3]["text"] = object()
    progress = ended(start(f"{HERE}reminders"))
    assert progress.state == "STOPPED"
    assert "do not fit into the message of a task (EncodeError)" in (progress.reason or "")


def test_a_chunk_that_the_broker_has_lost_is_sent_again(
    worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_async, lost = campaign_chunk.apply_async, []

    def lose_the_second(**options: Any) -> Any:
        if options["kwargs"]["start"] == 5 and not lost:
            lost.append(options)
            return None
        return apply_async(**options)

    monkeypatch.setattr(campaign_chunk, "apply_async", lose_the_second)
    assert ended(start(f"{HERE}reminders")).counts == {"sent": 12}
    assert len(lost) == 1


@pytest.mark.parametrize("step", ["load", "save_chunk"])
def test_a_result_backend_that_fails_once_does_not_end_the_campaign(
    worker: Celery, box: Sandbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    started = start(f"{HERE}reminders")
    function, failed = getattr(Records, step), []

    def fail_once(*arguments: Any) -> Any:
        if threading.current_thread() is not threading.main_thread() and not failed:
            failed.append(step)
            raise RuntimeError("the result backend is away")
        return function(*arguments)

    monkeypatch.setattr(Records, step, fail_once)
    assert ended(started).counts == {"sent": 12}
    assert failed == [step]


def test_a_campaign_in_eager_mode_is_over_at_once(eager: Celery, box: Sandbox) -> None:
    """However long it takes: nobody would go on with the rest."""
    eager.conf.broker_transport_options = {"visibility_timeout": 0.001}
    started = start(f"{HERE}reminders")
    assert started.progress().state == "DONE"
    assert len(box.phone.outbox) == 12


@pytest.mark.parametrize("backend", [None, "rpc://"])
def test_a_campaign_needs_a_result_backend(app: Celery, backend: str | None) -> None:
    other = Celery("other", broker="memory://", backend=backend, set_as_current=False)
    other.set_current()
    try:
        with pytest.raises(ConfigurationError, match="set result_backend to a Redis or a database"):
            campaign.delay(f"{HERE}reminders")
        with pytest.raises(ConfigurationError, match="result_backend"):
            Campaign("x")
    finally:
        app.set_current()
        other.close()


def test_a_campaign_that_nobody_knows_is_pending_and_cannot_be_resumed(app: Celery) -> None:
    assert Campaign("no such one").progress() == CampaignProgress("PENDING", None, 0, {})
    with pytest.raises(ConfigurationError, match="Start it again"):
        Campaign("no such one").resume()
