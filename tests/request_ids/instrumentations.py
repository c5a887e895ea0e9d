"""Real instrumentations at work: which of a service's clients carry the id of the request it answers.

``python -m tests.request_ids.instrumentations CASE HTTP_PEER RPC_PEER`` starts a service with one of
:data:`CASES` switched on, sends it a request with an id, and lets each of :data:`CLIENTS` call the peer.
The brokers are told in the environment.
"""

from __future__ import annotations

import os
import sys

from tests.request_ids import services
from tests.request_ids.clients import CLIENTS
from tests.request_ids.instrumentation_cases import CASES


def main(name: str, peer: str, rpc_peer: str) -> None:
    """Run one case."""
    case = CASES[name]
    case.before()

    def work() -> None:
        for client, call in CLIENTS.items():
            call(rpc_peer if client == "grpc" else peer)
        print("keeps" if services.ID in str(case.kept()) else "", flush=True)

    app = case.after(getattr(services, f"{case.framework}_app")(work))
    print("answers" if services.asked(case.framework, app) else "", flush=True)
    os._exit(0)  # agents have threads that wait for a server of theirs


if __name__ == "__main__":
    main(*sys.argv[1:])
