"""Routes of one's own notices."""

import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.notices import NoticePreferences, NoticesView, NoticeTest, NoticeView
from gateway.access.grants import Principal
from gateway.audit import Audit
from gateway.identity.guard import Guards
from gateway.identity.lockout import too_many
from gateway.identity.secret import digest
from gateway.notices.due import CHANNELS
from gateway.notices.ledger import Ledger, Notice
from gateway.notices.preferences import Preferences, PreferenceStore, shown
from gateway.notices.senders import REASONS
from gateway.notices.watch import Watch
from gateway.projection.follow import Projection
from servicekit.answer import json_answer
from servicekit.clock import SystemClock, iso, later, system_now
from servicekit.decision import KeyUsed, Refused
from servicekit.query import IdempotencyKey
from servicekit.routes import Router
from servicekit.store import Transient
from servicekit.versioned import ETAG, IfMatch, Version, version_of

log = structlog.get_logger()
_READERS = ("manager", "head", "city_head", "analyst", "operations", "administrator")
#: tests of one person, and within which time
MOST_TESTS, _TESTS_WITHIN = 5, timedelta(minutes=10)
_NOT_SET_UP = ("not_set_up", "平台没有开通，请联系管理员", "not set up on this platform; ask an administrator")
#: BOSS tells no mobile numbers of staff, and the platform's SMS go to customers, by their policy
_NO_NUMBERS = ("no_numbers", "没有员工手机号来源，暂不支持短信", "no source of staff numbers, so no SMS yet")


def notice_routes(
    preferences: PreferenceStore,
    ledger: Ledger,
    watch: Watch,
    projection: Projection,
    guards: Guards,
    audit: Audit,
    clock: SystemClock = system_now,
) -> APIRouter:
    """Preferences, last notices, and a test."""
    router = Router(prefix="/v1/me/notices", tags=["notices"])
    Reader = Annotated[Principal, Depends(guards(*_READERS))]

    async def view(version: Version[Preferences]) -> Response:
        recent = await ledger.recent(version.id)
        channels = [_channel(name, preferences.allowed.channels) for name in (*CHANNELS, "sms")]
        found = {
            "version": version.version,
            "preferences": shown(version.document).model_dump(mode="json"),
            "channels": channels,
            "recent": [_shown(notice) for notice in recent],
        }
        return json_answer(found, headers={"ETag": version.etag, "Cache-Control": "no-store"})

    @router.get("", name="get_notices", response_model=NoticesView, responses={200: ETAG})
    async def get_notices(who: Reader) -> Response:
        """What reaches one how, and how the last notices fared. The webhook, a secret, is shown masked."""
        return await view(await preferences.get(_person(who).subject))

    @router.put("", name="save_notices", response_model=NoticesView, responses={200: ETAG})
    async def save_notices(who: Reader, asked: NoticePreferences, if_match: IfMatch = None) -> Response:
        """The next version, with ``If-Match`` (``"0"``: the first). 422 ``bad_destination``: the field is at fault."""
        saved = await preferences.save(_person(who).subject, asked, version_of(if_match), projection.clock)
        await audit(who, "notices.change", who.subject, str(HTTPStatus.OK.value))
        try:
            await watch.urgent(saved)
        except (Refused, Transient) as error:  # the watch itself comes to it soon
            log.warning("notices.wait", error=str(error)[:200])
        return await view(saved)

    @router.post("/test", name="test_notice", response_model=NoticeView, status_code=HTTPStatus.ACCEPTED)
    async def test_notice(who: Reader, asked: NoticeTest, key: IdempotencyKey = None) -> Response:
        """Sends a test to oneself, also in quiet hours; what became of it is seen in the last notices. A few in ten
        minutes; under the same Idempotency-Key it is one."""
        version = await preferences.get(_person(who).subject)
        name = uuid.uuid4().hex if key is None else digest(key)[:32]
        there = await ledger.get(f"{who.subject}:test:{name}")
        if there is None:
            if asked.channel not in preferences.allowed.channels:
                raise Refused(*_NOT_SET_UP, HTTPStatus.CONFLICT)
            if not version.document.is_ready(asked.channel):
                raise Refused("no_destination", *REASONS["no_destination"], HTTPStatus.CONFLICT)
            if await ledger.tests_since(who.subject, later(clock(), -_TESTS_WITHIN)) >= MOST_TESTS:
                raise too_many(_TESTS_WITHIN.total_seconds())
            await audit(who, "notices.test", asked.channel, str(HTTPStatus.ACCEPTED.value))
            there = await ledger.test(who.subject, name, asked.channel)
            if there is None:
                raise Transient("the notice is not there yet")
        elif asked.channel not in dict(there.deliveries):
            raise KeyUsed()
        return json_answer(_shown(there), HTTPStatus.ACCEPTED)

    return router


def _person(who: Principal) -> Principal:
    if who.session is None:
        zh, en = "令牌不是人，没有通知", "a token is nobody who could be told"
        raise Refused("people_only", zh, en, HTTPStatus.FORBIDDEN)
    return who


def _channel(name: str, allowed: Any) -> dict[str, Any]:
    missing = None if name in allowed else _explained(*(_NO_NUMBERS if name == "sms" else _NOT_SET_UP))
    return {"channel": name, "missing": missing}


def _explained(code: str, zh: str, en: str) -> dict[str, str]:
    return {"code": code, "zh": zh, "en": en}


def _shown(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "at": iso(notice.at),
        "alerts": len(notice.alerts),
        "deliveries": [
            {
                "channel": channel,
                "state": delivery.state,
                "attempts": delivery.attempts,
                "reason": None if delivery.reason is None else _explained(delivery.reason, *REASONS[delivery.reason]),
                "at": None if delivery.at is None else iso(delivery.at),
                "next_at": None if delivery.next_at is None else iso(delivery.next_at),
            }
            for channel, delivery in notice.deliveries
        ],
    }
