"""Signals that a shell in the background or nohup ignores for its children are heard by those of the tests again."""

import signal

HANDLERS = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}


def hear() -> None:
    for number, handler in HANDLERS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
