"""python -m sandbox: start the provider and keep it going until a signal."""

import argparse
import base64
import os
import signal
import threading
from pathlib import Path

from sandbox import dialects
from sandbox.control import Control
from sandbox.courier import Courier
from sandbox.engine import Engine
from sandbox.server import Application, Door
from sandbox.store import Store

PULSE = 0.05  # seconds between looks at the clock


def main() -> None:
    chosen = _arguments()
    engine = Engine(Store(chosen.data), describe=dialects.describe, delay=chosen.delay, time_scale=chosen.time_scale)
    courier = Courier(engine, sign=dialects.sign, url=chosen.webhook_url, secret=chosen.webhook_secret)
    engine.before_reply = courier.send_now
    control = Control(engine, courier, dialects.describe)
    answer = Application(engine, control, chosen.api_key).answer
    door = Door((chosen.host, chosen.port), answer)
    # A second way in, so that a provider that refuses connections can be switched on again.
    back_door = Door((chosen.host, chosen.control_port), answer)
    print(
        f"sandbox on http://{chosen.host}:{door.address[1]}/_control/"
        f" and http://{chosen.host}:{back_door.address[1]}/_control/",
        flush=True,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(PULSE):
        engine.tick()
        courier.send_due()
        door.set_open(not engine.switches.refuse_connections)


def _arguments() -> argparse.Namespace:
    secret = "whsec_" + base64.b64encode(b"the sandbox is no secret to anyone").decode()
    parser = argparse.ArgumentParser(prog="sandbox", description="A payment provider to try the product against.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100, help="0 takes a free one")
    parser.add_argument("--control-port", type=int, default=0, help="also serves, and is never closed; 0: a free one")
    parser.add_argument("--data", type=Path, default=Path("var/sandbox"))
    parser.add_argument("--webhook-url", default="", help="{account} stands for the merchant account")
    parser.add_argument("--webhook-secret", default=os.environ.get("SANDBOX_WEBHOOK_SECRET", secret))
    parser.add_argument("--api-key", default=os.environ.get("SANDBOX_API_KEY", "sandbox-development-key"))
    parser.add_argument("--delay", type=float, default=0.5, help="seconds until an ordinary payout is paid")
    parser.add_argument("--time-scale", type=float, default=1.0, help="stretches the seconds of the stories")
    return parser.parse_args()


if __name__ == "__main__":
    main()
