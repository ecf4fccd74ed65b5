"""Proof by force: nothing lost, nothing twice (``make prove``; ``KILLS=N`` for more, ``SEED=S`` for another order).

Starts an empty province, lets traffic flow, and meanwhile puts it through the trials (``--trials``): ``kills`` of
services and servers, at random and at fault points; ``leader`` away for 40 s; every process ``paused``, also while
another one takes it over; the ``database`` away for a minute; ``folders`` deleted; a customer's ``opt-out`` with the
database away; ``poison`` at every door. Then lets everything settle, deletes every folder once more and looks whether
what is rebuilt is the same (``--no-rebuild`` leaves that out), and compares what BOSS sent, what was raised, what the
SMSC's own log holds and what managers have. Prints one JSON line; exit status 0 when nothing is lost, twice or
unexplained, no input made a process start again and no processor was rebuilt differently.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from judgement import Judge
from poison import poison
from province import Province, say
from scenarios import Story, interleave, stories
from trials import database_away, folders, kills, leader_away, opted_out, paused, rebuilt

#: seconds a trial takes, for traffic to last as long; kills: each
SECONDS = {
    "kills": 2.5,
    "leader": 50.0,
    "paused": 200.0,
    "database": 150.0,
    "folders": 50.0,
    "opt-out": 15.0,
    "poison": 30.0,
}
MUST_BE_NONE = ("lost", "sms_twice", "unexplained", "restarts_by_input", "rebuilt_differently")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kam", default=".venv/bin/kam")
    parser.add_argument("--trials", default=",".join(SECONDS), help="which, in this order")
    parser.add_argument("--kills", type=int, default=int(os.environ.get("KILLS", "20")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "1")))
    parser.add_argument("--customers", type=int, default=400)
    parser.add_argument("--port-base", type=int, default=24000)
    parser.add_argument("--no-rebuild", dest="rebuild", action="store_false", help="no folder is lost at the end")
    parser.add_argument("--keep", action="store_true", help="keep the data folder")
    return parser.parse_args()


def main() -> int:
    args = options()
    trials = args.trials.split(",")
    folder = Path(tempfile.mkdtemp(prefix="kam-prove-"))
    province = Province(args.kam, folder, args.port_base, args.seed)
    told = stories(args.customers, args.seed)
    run: dict[str, Callable[[], list[Story] | None]] = {
        "kills": lambda: kills(province, args.kills),
        "leader": lambda: leader_away(province),
        "paused": lambda: paused(province),
        "database": lambda: database_away(province),
        "folders": lambda: folders(province),
        "opt-out": lambda: opted_out(province),
        "poison": lambda: poison(province),
    }
    seconds = sum(SECONDS[name] * (args.kills if name == "kills" else 1) for name in trials)
    say(f"{args.customers} customers, {', '.join(trials)}, seed {args.seed}, some {seconds:.0f} s, data in {folder}")
    try:
        province.up()
        events = list(interleave(told, args.seed))
        traffic = threading.Thread(target=province.feed, args=(events, seconds), daemon=True)
        traffic.start()
        for name in trials:
            began = time.monotonic()
            told += run[name]() or []
            say(f"trial {name}: {time.monotonic() - began:.0f} s")
        say("no more trials; the rest of the traffic, then everything settles")
        province.hurry.set()
        traffic.join(300)
        if traffic.is_alive():
            raise RuntimeError("events are not taken in any more")
        province.wait_up()
        province.run("wait", timeout=300)
        different = rebuilt(province) if args.rebuild else 0
        judge = Judge(province)
        judge.judge(told)
        verdict = {"kills": province.kills, "events": province.sent, **judge.totals}
        verdict["restarts_by_input"] = province.restarts_by_input
        verdict["rebuilt_differently"] = different
        print(json.dumps(verdict), flush=True)
        return int(any(verdict[what] for what in MUST_BE_NONE))
    finally:
        province.down()
        if args.keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
