"""Brokers for tests: each test has a namespace of its own, and its queues are deleted afterwards."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dramatiq import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker

from app.settings import Settings
from tests.support.databases import missing
from workers.broker import check, make_broker, queues

URLS = {
    "memory": "memory://",
    "redis": os.environ.get("GAPBRIDGE_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
    "rabbitmq": os.environ.get("GAPBRIDGE_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672"),
}


@contextmanager
def namespace(kind: str) -> Iterator[dict[str, str]]:
    """`broker_url` and `broker_namespace` for settings, unused by anybody else; everything in it is deleted at the end."""
    chosen = {"broker_url": URLS[kind], "broker_namespace": f"t{uuid.uuid4().hex[:10]}"}
    broker = make_broker(Settings(_env_file=None, **chosen))
    try:
        check(broker)
    except Exception as error:
        missing(kind, error)
    try:
        yield chosen
    finally:
        purge(broker, chosen["broker_namespace"], delete=True)
        broker.close()


def purge(broker: Broker, name: str, *, delete: bool = False) -> None:
    """Drop every waiting message of the namespace; `delete` takes the queues away too."""
    if isinstance(broker, RedisBroker):
        for key in broker.client.scan_iter(f"{name}:*"):
            broker.client.delete(key)
        return
    for queue in queues(name):
        broker.flush(queue)
        if delete and isinstance(broker, RabbitmqBroker):
            for suffix in ("", ".DQ", ".XQ"):
                with contextlib.suppress(Exception):
                    broker.channel.queue_delete(queue + suffix)


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for the condition; fails the test when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        time.sleep(0.02)
