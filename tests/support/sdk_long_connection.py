"""The official SDK's client of the long connection, in a process of its own: it keeps an event loop in a module.

`python -m tests.support.sdk_long_connection URL APP_ID APP_SECRET` writes one JSON line for each event and click that
it hears. A click is answered with a toast.
"""

import json
import sys
from typing import Any


def main(url: str, app_id: str, secret: str) -> None:
    import lark_oapi as lark
    from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

    def tell(kind: str, what: object) -> None:
        sys.stdout.write(json.dumps({"kind": kind, "what": what}) + "\n")
        sys.stdout.flush()

    def hear(event: Any) -> None:
        tell("message", event.event.message.content)

    def press(event: Any) -> Any:
        tell("click", event.event.action.value)
        return P2CardActionTriggerResponse({"toast": {"type": "info", "content": "SDK"}})

    handler = (
        lark.EventDispatcherHandler.builder("", "")
        .register_p2_im_message_receive_v1(hear)
        .register_p2_card_action_trigger(press)
        .build()
    )
    client = lark.ws.Client(app_id, secret, event_handler=handler, domain=url, log_level=lark.LogLevel.ERROR)
    client.on_reconnected = lambda: tell("reconnected", None)
    client.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
