"""The broker of an installation, built from its settings, and the bell that rings through it.

Nothing here is global: a broker is made by `make_broker` and handed to those who need it, actors are declared on it by
`workers.work.declare`. So importing a module starts nothing, and no actor can bind to the wrong broker.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import defaultdict, deque
from typing import Any
from urllib.parse import urlsplit

import pika
import redis
from dramatiq import Broker, Message, Middleware
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import TimeLimit

from app.domain.said import say
from app.errors import BadInput, Unavailable
from app.jobs import Job, Queues
from app.log import correlation_id, get_logger
from app.settings import Settings
from workers.metrics import BELLS
from workers.middleware import OPTION, Correlation

log = get_logger("workers.broker")

# Mail and pages do not share a queue: a worker fetches a handful of messages ahead from each, and a thousand pages to
# look at must not stand before one reply to read. Looks have threads of their own, too: they mostly wait for servers.
LOOKS = "looks"
# A look because the server told of mail does not wait behind a minute's worth of looks in case there is some.
TOLD = "told"
_QUEUES = {
    Job.OUTBOX_DELIVER: "mail",
    Job.OUTBOX_RECONCILE: "mail",
    Job.OUTBOX_FILE: LOOKS,
    Job.INBOX_POLL: LOOKS,
    Job.INBOX_TOLD: TOLD,
    Job.SEQUENCES_ADVANCE: "mail",
    Job.MENTIONS_CHECK: "pages",
    Job.MENTIONS_LIST: "pages",
    Job.CONTACTS_FIND: "pages",
    Job.EVIDENCE_LOOK: "pages",
    Job.DIGEST_SEND: "pages",
    Job.LINKS_CHECK: "pages",
    Job.DOMAINS_CHECK: "pages",
    Job.MAIL_DOMAINS_CHECK: "pages",
    Job.MAILBOX_LOOK: "pages",
    Job.GAPS_PULL: "pages",
    Job.GAPS_SETTLE: "pages",
    Job.GAPS_EXPIRE: "pages",
    Job.PAGES_CHECK: "pages",
    Job.GAPS_IMPORT: "pages",
    Job.GAPS_TAKEBACK: "pages",
    Job.GAPS_ASKED_PULL: "pages",
    Job.GAPS_DISCOVER: "pages",
    Job.GAPS_REFIT: "pages",
    Job.GAPS_VERIFY: "pages",
}
CONNECT_SECONDS = 5.0
_REST_SECONDS = 5.0
_WAITING_BELLS = 10_000


def queue_of(job: Job, namespace: str) -> str:
    """The queue that `job` travels in, prefixed with the installation's namespace."""
    return f"{namespace}.{_QUEUES[job]}"


def queues(namespace: str) -> list[str]:
    """Every queue of the installation `namespace`."""
    return sorted({queue_of(job, namespace) for job in Job})


def middleware() -> list[Middleware]:
    """Everything that surrounds a message, in order; what is not in this list does not happen."""
    return [
        # Limits. A job that runs away is ended; jobs state their own limit. Only a backstop: it cannot end a system
        # call, so every socket has its own time-out.
        TimeLimit(time_limit=900_000),
        # Tracing.
        Correlation(),
        # Left out on purpose: ShutdownNotifications (a stop raises nothing in a job: cut off anywhere, it may leave a
        # transaction open, or a mail of unknown fate; long jobs look at `Container.stopping`), Retries and dead letters
        # (the row says when it is due again, and the clock rings for it), AgeLimit (an old bell is as good as a new one), Callbacks, Pipelines and Results (a job answers by rows).
    ]


def make_broker(settings: Settings) -> Broker:
    """The broker that `broker_url` names, with its queues declared; raises BadInput for one that we do not know.

    Nothing is connected yet: a broker that is away is found out when it is used.
    """
    url = settings.broker_url
    scheme = urlsplit(url).scheme
    broker: Broker
    if scheme == "memory":
        broker = EmbeddedBroker(middleware=middleware())
    elif scheme in ("redis", "rediss", "unix"):
        client = redis.Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=30, health_check_interval=30
        )
        broker = RedisBroker(  # type: ignore[no-untyped-call]
            client=client, namespace=settings.broker_namespace, middleware=middleware()
        )
    elif scheme in ("amqp", "amqps"):
        # Confirmed: without it RabbitMQ may drop a message silently, and a queue that was deleted is never made again.
        broker = RabbitmqBroker(url=url, confirm_delivery=True, middleware=middleware())
        for parameters in broker.parameters if isinstance(broker.parameters, list) else [broker.parameters]:
            parameters.socket_timeout = CONNECT_SECONDS
            parameters.stack_timeout = 2 * CONNECT_SECONDS
            parameters.blocked_connection_timeout = parameters.blocked_connection_timeout or 30
    else:
        raise BadInput(
            say(
                "GAPBRIDGE_BROKER_URL starts with '{scheme}'; use memory://, redis://host:6379/0 or "
                "amqp://user:password@host",
                scheme=scheme,
            )
        )
    for name in queues(settings.broker_namespace):
        broker.declare_queue(name)
    return broker


class EmbeddedBroker(StubBroker):
    """The broker inside the process: queues in memory. What it loses at a stop, the rows still say."""

    def __init__(self, middleware: list[Middleware]) -> None:
        super().__init__(middleware)
        # The original keeps every refused message with its exception until the process ends.
        bounded: Any = defaultdict(lambda: deque(maxlen=20))
        self.dead_letters_by_queue = bounded


def check(broker: Broker) -> str:
    """Ask the broker for a sign of life and give its kind; raises Unavailable with what to look at."""
    try:
        if isinstance(broker, RedisBroker):
            broker.client.ping()
            return "Redis"
        if isinstance(broker, RabbitmqBroker):
            # A connection of its own: dramatiq keeps one for each thread that asked, and a prober has many threads.
            pika.BlockingConnection(broker.parameters).close()
            return "RabbitMQ"
        return "in this process"
    except Exception as error:
        raise Unavailable(
            say(
                "the broker does not answer ({error}: {error_2}); start it, or correct "
                "GAPBRIDGE_BROKER_URL. Meanwhile the clock finds every due row.",
                error=type(error).__name__,
                error_2=error,
            )
        ) from error


def backlog(broker: Broker, queue_name: str) -> int:
    """How many messages wait in the queue. Raises what the client library raises when the broker is away."""
    if isinstance(broker, StubBroker):
        return int(broker.queues[queue_name].qsize())
    if isinstance(broker, RedisBroker):
        return int(broker.do_qsize(queue_name))
    if isinstance(broker, RabbitmqBroker):
        return _rabbit(broker, queue_name)
    raise TypeError(f"no broker of ours: {broker!r}")


def _rabbit(broker: RabbitmqBroker, queue_name: str) -> int:
    try:
        return int(broker.get_queue_message_counts(queue_name)[0])
    except Exception:  # noqa: BLE001 - an idle connection that the server has closed; the second try tells
        with contextlib.suppress(Exception):
            del broker.connection
        return int(broker.get_queue_message_counts(queue_name)[0])


class BrokerDispatcher:
    """Rings through the broker; never raises and never makes its caller wait for a broker that is away.

    A bell for a server broker is handed to one thread (one connection for the process, whichever thread rings);
    it may be lost with the process, and the clock finds the row. Missed bells are counted and logged.
    """

    def __init__(self, broker: Broker, namespace: str) -> None:
        self._broker = broker
        self._namespace = namespace
        self._direct = isinstance(broker, StubBroker)
        self._waiting: queue.Queue[tuple[Job, int, str | None] | None] = queue.Queue(_WAITING_BELLS)
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._rest_until = 0.0

    def ring(self, job: Job, row_id: int) -> None:
        """See `Dispatcher.ring`."""
        bell = (job, row_id, correlation_id())
        if self._direct:
            self._send(*bell)
            return
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._carry, name="bells", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(bell)
        except queue.Full:
            BELLS.labels(job, "missed").inc()

    def look(self) -> Queues:
        """See `Dispatcher.look`."""
        try:
            kind = check(self._broker)
            return Queues(kind, {name: backlog(self._broker, name) for name in queues(self._namespace)})
        except Unavailable as error:
            return Queues("unknown", trouble=error.detail)
        except Exception as error:  # noqa: BLE001 - whatever a client library raises
            return Queues("unknown", trouble=f"the broker does not answer ({type(error).__name__})")

    def close(self, timeout: float = 2.0) -> None:
        """Carry what waits, for at most `timeout` seconds, and stop."""
        with self._start:
            thread, self._thread = self._thread, None
        if thread is not None:
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)
            thread.join(timeout)

    def _carry(self) -> None:
        while (bell := self._waiting.get()) is not None:
            self._send(*bell)

    def _send(self, job: Job, row_id: int, correlation: str | None) -> None:
        if time.monotonic() < self._rest_until:
            BELLS.labels(job, "missed").inc()
            return
        options: dict[str, Any] = {} if correlation is None else {OPTION: correlation}
        message: Message[Any] = Message(
            queue_name=queue_of(job, self._namespace),
            actor_name=job.value,
            args=(row_id,),
            kwargs={},
            options=options,
        )
        try:
            self._broker.enqueue(message)
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, the row is safe in the database
            # Each try of a broker that is away costs a connection attempt: rest before the next one.
            self._rest_until = time.monotonic() + _REST_SECONDS
            BELLS.labels(job, "missed").inc()
            log.warning("bell.missed", job=job.value, row_id=row_id, error=f"{type(error).__name__}: {error}")
        else:
            BELLS.labels(job, "rung").inc()
