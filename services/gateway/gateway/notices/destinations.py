"""Where notices may go: mail addresses, and webhooks of hosts that the settings name. Pure.

A webhook is called by the gateway, so that whoever writes one down makes the gateway call it: https alone, at a host of
the list, with that very port and path; nothing that redirects is followed (``senders``).
"""

import re
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from servicekit.decision import Refused
from servicekit.urls import is_loopback

_ADDRESS = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})+)"
)
_PATH, _KEY = "/cgi-bin/webhook/send", re.compile(r"[A-Za-z0-9-]{8,64}")
_SHOWN = 4


def check_address(address: str, domains: Collection[str]) -> str:
    """The address. Raises ``Refused`` (422) for what is none, or of a domain to which nothing is sent."""
    found = _ADDRESS.fullmatch(address)
    if found is None or ".." in address or address.startswith("."):
        raise _faulty("mail_address", "不是一个邮箱地址", "this is no mail address")
    if domains and found[1].lower() not in domains:
        raise _faulty("mail_address", "只发到公司邮箱", "notices go to mail addresses of the company only")
    return address


def check_webhook(url: str, hosts: Collection[str]) -> str:
    """The webhook's URL. Raises ``Refused`` (422) for one that the gateway must not call."""
    zh = "请粘贴企业微信群机器人的完整地址（https://…/cgi-bin/webhook/send?key=…）"
    en = "paste the whole address of a WeCom group's robot (https://…/cgi-bin/webhook/send?key=…)"
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        raise _faulty("wecom_webhook", zh, en)
    try:
        parts = urlsplit(url)
        keys = parse_qs(parts.query, strict_parsing=True, max_num_fields=1)
    except ValueError:
        raise _faulty("wecom_webhook", zh, en) from None
    host = parts.netloc.lower()
    schemes = ("https", "http") if is_loopback(host) else ("https",)
    is_key = list(keys) == ["key"] and len(keys["key"]) == 1 and _KEY.fullmatch(keys["key"][0]) is not None
    # The netloc as a whole: no name before an @, no port that the list does not have.
    if parts.scheme not in schemes or host not in hosts or parts.path != _PATH or parts.fragment or not is_key:
        raise _faulty("wecom_webhook", zh, en)
    return url


def masked(url: str) -> str:
    """A webhook as its owner is shown it: they know it again, and nobody can use it."""
    address, _, key = url.partition("key=")
    return f"{address}key=****{key[-_SHOWN:]}"


def _faulty(field: str, zh: str, en: str) -> Refused:
    return Refused("bad_destination", zh, en, HTTPStatus.UNPROCESSABLE_ENTITY, field)
