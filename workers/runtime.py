"""Workers and clock in this process: inside `gapbridge serve` on the embedded default, or alone in `gapbridge worker`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from dramatiq import Broker, Worker

from app.clock import Clock
from app.container import Container
from app.inbox.watching import Watcher
from app.log import get_logger
from app.settings import Settings
from workers.broker import LOOKS, TOLD, BrokerDispatcher, make_broker, queues
from workers.clock import ClockThread
from workers.heartbeat import Heartbeat
from workers.table import TABLE
from workers.work import Work, declare

log = get_logger("workers.runtime")


def _expected(record: logging.LogRecord) -> bool:
    """Two sets of threads on one broker are meant: each consumes its own queues, so dramatiq need not warn of them."""
    return "middleware of the same type twice" not in str(record.msg)


class Runtime:
    """Runs the table's work on a container until it is stopped. One for each broker object, used once."""

    def __init__(self, container: Container, broker: Broker, table: Sequence[Work] = TABLE) -> None:
        self._container = container
        self._broker = broker
        self._workers: list[Worker] = []
        self.clock = ClockThread(container, broker, table)
        self.watcher = Watcher(container)
        self.heartbeat = Heartbeat(container, container.settings.worker_threads)
        declare(broker, container, table)

    def start(self) -> None:
        """Start threads for jobs, clock and the connections that wait for mail; returns at once."""
        # Time limits are kept by a thread that only this signal starts; dramatiq's own command line sends it, a worker
        # inside another process does not.
        self._broker.emit_after("process_boot")
        settings = self._container.settings
        looks, told = (f"{settings.broker_namespace}.{name}" for name in (LOOKS, TOLD))
        others = set(queues(settings.broker_namespace)) - {looks, told}
        quick = max(2, settings.poll_threads // 2)
        self._broker.logger.addFilter(_expected)
        for names, threads in ((others, settings.worker_threads), ({looks}, settings.poll_threads), ({told}, quick)):
            worker = Worker(self._broker, queues=names, worker_threads=threads, worker_timeout=200)
            worker.start()
            self._workers.append(worker)
        self.clock.start()
        self.watcher.start()
        self.heartbeat.start()
        log.info("runtime.started", threads=settings.worker_threads, looks=settings.poll_threads)

    def stop(self, timeout: float = 620.0) -> None:
        """Stop the clock, let running jobs end (at most `timeout` seconds), then stop the workers.

        The default is above the time that a mail server may take to answer the final dot. What waits in a queue of
        memory is dropped: its rows are due, and the next start finds them.
        """
        self.clock.stop()
        self.watcher.stop()
        self._container.stopping.set()
        # All at once: the second takes no more work while the first waits for its jobs.
        stops = [threading.Thread(target=worker.stop, args=(int(timeout * 1000),)) for worker in self._workers]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        self._workers.clear()
        self.heartbeat.stop()
        log.info("runtime.stopped")


def assemble(settings: Settings, *, clock: Clock | None = None) -> tuple[Container, Broker]:
    """A container whose bells ring through the broker of the settings, and that broker.

    The caller gives both back: `disassemble(container, broker)`.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    broker = make_broker(settings)
    dispatcher = BrokerDispatcher(broker, settings.broker_namespace)
    return Container(settings, clock=clock, dispatcher=dispatcher), broker


def disassemble(container: Container, broker: Broker) -> None:
    """Carry the last bells and close every connection."""
    if isinstance(container.dispatcher, BrokerDispatcher):
        container.dispatcher.close()
    broker.close()
    container.close()
