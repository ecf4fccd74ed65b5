"""A stand-in for a service: answers GET /health/ready on KAM_HTTP_PORT. ``stubborn`` ignores SIGTERM, ``broken`` says
why and exits at once, ``slow`` is never ready."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

mode = sys.argv[1] if len(sys.argv) > 1 else "good"
if mode == "broken":
    sys.exit("the sky is falling")
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if mode == "slow" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


HTTPServer(("127.0.0.1", int(os.environ["KAM_HTTP_PORT"])), Handler).serve_forever()
