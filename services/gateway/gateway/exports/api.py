"""Routes of exports and of the jobs that they are."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, Response

from contracts.exports import ExportAsked, JobView
from gateway.access.grants import ROLES, Principal
from gateway.access.viewer import Access
from gateway.audit import Audit, narrowed_by
from gateway.exports.files import MEDIA
from gateway.exports.jobs import Job, Jobs, is_id
from gateway.exports.runner import MOST_ROWS, NO_RIGHT, Runner, too_many
from gateway.identity.guard import Guards
from gateway.repeats import Repeats
from servicekit.answer import json_answer
from servicekit.clock import iso
from servicekit.decision import Refused
from servicekit.query import Id, IdempotencyKey
from servicekit.routes import Router

_FLAGS = {"true": "1", "false": "0"}


def export_routes(runner: Runner, audit: Audit, access: Access, guards: Guards, repeats: Repeats) -> APIRouter:
    """Somebody's own jobs; another's are not there, nor those of another gateway process."""
    router = Router(prefix="/v1", tags=["exports"])
    jobs = runner.jobs
    Person = Annotated[Principal, Depends(guards(*ROLES))]

    @router.post("/exports", name="start_export", response_model=JobView, status_code=202)
    async def start_export(who: Person, asked: ExportAsked, key: IdempotencyKey = None) -> Response:
        """A list as a file, made in the background; its rows and masks are those of the scope while it is made."""
        filter_ = {name: _FLAGS.get(value, value) for name, value in asked.filter.items() if value != ""}
        viewer = await access.viewer(who, asked.list, "export")
        if not viewer.scope.reaches:
            raise _may_not()

        async def start() -> dict[str, Any]:
            total = await runner.count(asked.list, viewer.scope, filter_)
            if total > MOST_ROWS:
                raise too_many(total)
            await audit(who, f"{asked.list}.export", narrowed_by(filter_)[:8000], "202")
            job = jobs.start(who.owner, asked.list, asked.format, asked.language, filter_, total)
            runner.start(job, who)
            return shown(job)

        job = await repeats.once(who, key, "export", asked, start)
        return json_answer(job, 202, headers={"Location": f"/v1/jobs/{job['id']}"})

    @router.get("/jobs", name="list_jobs", response_model=list[JobView])
    async def list_jobs(who: Person) -> Response:
        """One's own, newest first, for 24 hours."""
        return json_answer([shown(job) for job in jobs.of(who.owner)])

    @router.get("/jobs/{id}", name="get_job", response_model=JobView)
    async def get_job(who: Person, id: Id) -> Response:
        return json_answer(shown(_own(jobs, who, id)))

    @router.delete("/jobs/{id}", name="forget_job", status_code=204)
    async def forget_job(who: Person, id: Id) -> Response:
        """Take it away, with its file; one that is under way ends."""
        jobs.forget(_own(jobs, who, id))
        return Response(status_code=204)

    @router.get("/jobs/{id}/file", name="get_job_file", response_class=FileResponse, responses={
        200: {"content": {media.partition(";")[0]: {} for media in MEDIA.values()}}
    })  # fmt: skip
    async def get_job_file(who: Person, id: Id) -> Response:
        """The file, to whoever may still see everything that is in it: 409 ``scope_changed`` to others."""
        job = _own(jobs, who, id)
        if job.state != "done":
            raise Refused("not_ready", "文件还没有完成", "the file is not complete yet", 409)
        scope = (await access.viewer(who, job.list, "export")).scope
        if not scope.reaches:
            raise _may_not()
        if not await runner.may_have(job, scope):
            jobs.forget(job)
            await audit(who, "export.read", f"{job.list} {job.id}", "409")
            raise Refused(
                "scope_changed",
                "导出后你的客户范围变了，文件已删除：请重新导出",
                "what you may see has changed since, and the file was deleted: export again",
                409,
            )
        await audit(who, "export.read", f"{job.list} {job.id} rows={job.done}", "200")
        name = f"kam-{job.list}-{job.created_at:%Y%m%d-%H%M%S}.{job.format}"
        return FileResponse(
            jobs.file(job), media_type=MEDIA[job.format], filename=name, headers={"Cache-Control": "no-store"}
        )

    return router


def shown(job: Job) -> dict[str, Any]:
    """A job as its owner sees it."""
    failure = job.failure
    return {
        "id": job.id,
        "kind": "export",
        "list": job.list,
        "format": job.format,
        "filter": dict(job.filter),
        "state": job.state,
        "done": job.done,
        "total": max(job.total, job.done),
        "created_at": iso(job.created_at),
        "finished_at": None if job.finished_at is None else iso(job.finished_at),
        "until": iso(job.until),
        "as_of": None if job.as_of is None else iso(job.as_of),
        "size": job.size,
        "failure": None if failure is None else {"code": failure.code, "zh": failure.zh, "en": failure.en},
    }


def _own(jobs: Jobs, who: Principal, id: str) -> Job:
    job = jobs.get(who.owner, id) if is_id(id) else None
    if job is None:
        raise Refused(
            "not_found",
            "这里没有这个任务：已过 24 小时，或由另一个网关进程在做",
            "no such job here: it is past its 24 hours, or another gateway process has it",
            404,
        )
    return job


def _may_not() -> Refused:
    return Refused(NO_RIGHT.code, NO_RIGHT.zh, NO_RIGHT.en, 403)
