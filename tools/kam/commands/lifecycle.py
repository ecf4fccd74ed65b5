"""``kam up``, ``watch``, ``down``, ``status``, ``doctor``: the life of a local instance."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts import DEFAULT_PARTITIONS
from kam import watching
from kam.client import Client
from kam.commands.accounts import known
from kam.commands.common import Data, Json, fail, print_json
from kam.failure import Misused
from kam.instance import DEFAULT_PORT_BASE, Layout, describe, layout, require, supervised
from kam.render import word

#: so many are proven; each has a store, a journal and its share of every topic
MOST_PARTITIONS = 128
PUBLIC = ("gateway", "web", "billing_sync", "kafka", "mongodb", "smsc", "inbox", "pids")


#: whom SMS may reach
_ENVIRONMENTS = {
    "production": "发给客户 / to customers",
    "test": "只到短信策略允许的号码 / only to numbers that the SMS policy allows",
    "demo": "只到本机模拟短信中心 / only to the simulated SMSC of this machine",
}


def _public(description: dict[str, Any]) -> dict[str, Any]:
    return {key: description[key] for key in PUBLIC}


def _show(description: dict[str, Any]) -> None:
    accounts = "".join(
        f"\n    {word(account['role']):<28}{account['staff_no']:<8}{account['password']}"
        for account in known(Layout(Path(description["data"])))
    )
    print(
        f"\n  网页 / page           {description['web']}"
        f"\n  网关 / gateway        {description['gateway']}"
        f"\n  BOSS 接口 / feed      {description['billing_sync']}/v1/events"
        f"\n  BOSS 文件 / inbox     {description['inbox']}"
        f"\n  短信 / SMS            {_ENVIRONMENTS.get(description.get('environment', ''), '–')}"
        f"\n  登录 / sign in        工号与密码 / staff number and password (kam accounts){accounts}"
        f"\n  看一看 / look         kam status · kam watch · kam alerts · kam sms · kam work"
        f"\n  停止 / stop           kam down\n",
        flush=True,
    )


def up(
    data: Data = None,
    detach: Annotated[bool, typer.Option("--detach", help="就绪后返回 / return when all is ready")] = False,
    port_base: Annotated[
        int, typer.Option("--port-base", min=1024, max=65000, help="第一个端口 / first port")
    ] = DEFAULT_PORT_BASE,
    customers: Annotated[int, typer.Option(min=1, help="模拟客户数 / simulated customers")] = 5000,
    seed: Annotated[int, typer.Option(help="模拟种子 / seed of the simulation")] = 1,
    clock: Annotated[str, typer.Option(help="业务时钟 / business clock: system | feed")] = "system",
    no_sim: Annotated[
        bool, typer.Option("--no-sim", help="空省份，无模拟 BOSS / empty province, no BOSS traffic")
    ] = False,
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PARTITIONS, help="分区数，创建时定 / partitions, chosen at creation [4]"),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="每个分区服务的进程数 / processes of each partitioned service")
    ] = 1,
    mongodb: Annotated[
        str | None, typer.Option("--mongodb", metavar="URI", envvar="KAM_MONGODB", help="用已有的 / use this one")
    ] = None,
    as_json: Json = False,
) -> None:
    """启动一切；Ctrl-C 停止 / start everything, until Ctrl-C."""
    if clock not in ("system", "feed"):
        raise typer.BadParameter("system | feed", param_hint="--clock")
    place = layout(data)
    if supervised(place):
        _already(place.data, as_json)
        return
    number = _partitions(place, partitions, workers)
    from kam.embedded import detached, web
    from kam.embedded.progress import Lines, for_terminal
    from kam.embedded.run import Run
    from kam.embedded.table import Options

    options = Options(
        data=place.data,
        port_base=port_base,
        customers=customers,
        seed=seed,
        clock=clock,
        sim=not no_sim,
        mongodb=mongodb,
        partitions=number,
        workers=workers,
    )
    web.build_or_say_why()
    reporter = Lines() if as_json else for_terminal()

    def announce(description: dict[str, Any]) -> None:
        if as_json:
            print_json(_public(description))
        else:
            _show(description)

    if detach:
        status = detached.start(options, reporter)
        if status == 0:
            announce(require(place.data))
    elif as_json:
        status = Run(options, reporter).main(announce)
    else:
        view = watching.Background()

        def open_up(description: dict[str, Any]) -> None:
            announce(description)
            view.start(description)

        status = Run(options, reporter).main(open_up, view.stop)
    if as_json and status and isinstance(reporter, Lines) and reporter.failed:
        why = reporter.failed
        print_json({"error": "start_failed", "zh": why.zh, "en": why.en, "process": why.name, "log": why.lines})
    raise typer.Exit(status)


def _partitions(place: Layout, asked: int | None, workers: int) -> int:
    """The instance's number of partitions. Raises Misused where it has another one, or more workers than these."""
    there = place.partitions
    if asked is not None and there not in (None, asked):
        raise Misused(
            f"{place.data} 创建时为 {there} 个分区，不能改为 {asked} 个：去掉 --partitions，或用新的 --data",
            f"{place.data} was created with {there} partitions, which can't become {asked}: "
            "leave out --partitions, or take a new --data",
        )
    number = there or asked or DEFAULT_PARTITIONS
    if workers > number:
        raise Misused(
            f"--workers {workers} 多于分区数 {number}，多出的进程无事可做",
            f"--workers {workers} are more than the {number} partitions: those beyond would have nothing to do",
        )
    return number


def watch(data: Data = None) -> None:
    """看着它跑，Ctrl-C 停看 / what happens, line by line, until Ctrl-C."""
    watching.follow(Client.of(data), threading.Event(), watching.say, lambda: require(data))


def _already(data: Path, as_json: bool) -> None:
    description = require(data)
    print(f"已经在运行：{data} / already running on {data}", file=sys.stderr)
    if as_json:
        print_json(_public(description))
    else:
        _show(description)


def down(data: Data = None, as_json: Json = False) -> None:
    """停止实例，等到所有进程都结束 / stop the instance and wait until every process is gone."""
    from kam.embedded import detached

    place = layout(data)
    left = detached.stop(place)
    if left is None:
        if as_json:
            print_json({"stopped": False, "running": False})
        print(f"没有在运行的实例 / nothing is running: {place.data}", file=sys.stderr)
        return
    if as_json:
        print_json({"stopped": not left, "left": left})
        raise typer.Exit(1 if left else 0)
    if left:
        fail(f"还有进程没有结束：{left}", f"processes still there: {left}")
    print(f"已停止 / stopped: {place.data}", file=sys.stderr)


def status(data: Data = None, as_json: Json = False) -> None:
    """每个进程的健康、积压与新鲜度 / health, lag and freshness of every process."""
    from kam.embedded import status as view

    place = layout(data)
    if as_json and not supervised(place):
        print_json({"running": False, "data": str(place.data), "last": (describe(place) or {}).get("state")})
        raise typer.Exit(1)
    report = view.collect(require(place.data))
    if as_json:
        print_json(report)
    else:
        view.show(report)
    raise typer.Exit(0 if report["ready"] else 1)


def doctor(
    data: Data = None,
    port_base: Annotated[
        int, typer.Option("--port-base", min=1024, max=65000, help="第一个端口 / first port")
    ] = DEFAULT_PORT_BASE,
    workers: Annotated[int, typer.Option(min=1, max=MOST_PARTITIONS, help="进程数 / as of kam up")] = 1,
    as_json: Json = False,
) -> None:
    """本机缺什么、怎样补上 / what this machine lacks, and the command that mends it."""
    from kam.embedded import doctor as checks

    found = checks.examine(layout(data), port_base, workers)
    if as_json:
        print_json([check.to_dict() for check in found])
    else:
        checks.show(found)
    raise typer.Exit(1 if any(check.state == "missing" for check in found) else 0)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, watch, down, status, doctor):
        app.command()(command)
