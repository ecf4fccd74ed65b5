"""A stand-in for a service: answers GET /health/ready on KAM_HTTP_PORT. ``stubborn`` ignores SIGTERM, ``broken`` says
why and exits at once, ``slow`` is never ready, ``rebuilding`` says ten times how far it is before it is ready, and
``stuck`` always the same."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

asked = 0
mode = sys.argv[1] if len(sys.argv) > 1 else "good"
if mode == "broken":
    sys.exit("the sky is falling")
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        global asked
        asked += 1
        is_ready = mode not in ("slow", "stuck") and (mode != "rebuilding" or asked > 10)
        self.send_response(200 if is_ready else 503)
        self.end_headers()
        if not is_ready and mode != "slow":
            self.wfile.write(b'{"status": "rebuilding %d"}' % (asked if mode == "rebuilding" else 7))

    def log_message(self, format: str, *args: object) -> None:
        return


HTTPServer(("127.0.0.1", int(os.environ["KAM_HTTP_PORT"])), Handler).serve_forever()
