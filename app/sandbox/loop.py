"""One thread with one asyncio loop, in which the sandbox's servers live beside the synchronous driver."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """An asyncio loop in a daemon thread; `run` hands it a coroutine and waits for the result."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, work: Coroutine[Any, Any, Result], within: float = 30.0) -> Result:
        """Run `work` in the loop and return its result; raises TimeoutError after `within` seconds."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(within)

    def stop(self) -> None:
        """Cancel what still runs, close the loop and end the thread."""
        if self.loop.is_closed():
            return
        self.run(_cancel_others())
        self.run(self.loop.shutdown_asyncgens())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


async def _cancel_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # One more turn: closed transports tell their protocols in the next one.
    await asyncio.sleep(0)
