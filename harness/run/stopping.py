"""How signals end a run. SIGUSR1 warns: nothing more is given out, and trials end after the epoch that runs.

Schedulers send it some time before they take a machine away. Other signals end the run at once.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from harness.run.driver import Driver

WARNING = signal.SIGUSR1
AT_ONCE = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def at_signals(driver: Driver) -> Iterator[None]:
    """Around an executor: SIGUSR1 stops the driver, and which signal ended the run is written down for `status`."""
    before: dict[int, Any] = {number: signal.getsignal(number) for number in (WARNING, *AT_ONCE)}

    def hear(number: int, frame: Any) -> None:
        if number == WARNING:
            return driver.stop(WARNING.name)
        driver.stopped = signal.Signals(number).name
        before[number](number, frame)

    heard = [number for number, handler in before.items() if callable(handler)]  # not what is ignored from outside
    try:
        _answer(dict.fromkeys(heard, hear))
        yield
    except KeyboardInterrupt:
        driver.stopped = driver.stopped or "Ctrl-C"
        raise
    finally:
        _answer({number: before[number] for number in heard})
        if driver.stopped:
            driver.leave()


def _answer(handlers: dict[int, Any]) -> None:
    with suppress(ValueError):  # only the main thread hears signals
        for number, handler in handlers.items():
            signal.signal(number, handler)
