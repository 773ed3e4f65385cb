"""What surrounds every message: the correlation id that travels with it."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from dramatiq import Broker, Message, MessageProxy, Middleware

from app.log import correlated, correlation_id

OPTION = "correlation_id"


class Correlation(Middleware):
    """Puts the sender's correlation id into the message and runs the job under it, so that one id leads from the request
    through the job to the mail. A message without one (nobody asked: the clock rang) gets a new id."""

    def __init__(self) -> None:
        self._running = threading.local()

    def before_enqueue(self, broker: Broker, message: Message[object], delay: int | None) -> None:
        """Copy the present id, unless the message carries one already."""
        present = correlation_id()
        if present is not None:
            message.options.setdefault(OPTION, present)

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Enter the id of the message, in the thread that will run the job."""
        block = ExitStack()
        block.enter_context(correlated(message.options.get(OPTION)))
        self._running.block = block

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Leave the id: threads are used again, and the next job must not inherit it."""
        self._leave()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """Leave the id of a message that was not run."""
        self._leave()

    def _leave(self) -> None:
        block: ExitStack | None = getattr(self._running, "block", None)
        if block is not None:
            self._running.block = None
            block.close()
