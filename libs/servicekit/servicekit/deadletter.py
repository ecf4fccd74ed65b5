"""Dead letters: what could not be handled, with its original bytes, why and where, so that it can be replayed.

A replay is the original message on its original topic with a header that names the one app it is for; every other
consumer skips it. Quarantine: a message that failed ``MAX_REPLAYS`` replays is not sent again.
"""

from servicekit.envelope import Headers, Message, OutMessage

REPLAY_FOR = "kam-replay-for"
REPLAYS = "kam-replays"
MAX_REPLAYS = 5
_OWN = ("dlq_topic", "dlq_partition", "dlq_offset", "dlq_timestamp", "dlq_service", "dlq_error", "dlq_reason")


class TooMany(Exception):
    """Too many dead letters in a row: something is wrong with us, not with the messages."""


def topic_of(topic: str, app: str) -> str:
    """Dead-letter topic of an app for a topic."""
    return f"{topic}.{app}.dlq"


def letter(message: Message, app: str, error: Exception) -> OutMessage:
    """The dead letter of a message: original key, body and headers, plus ``dlq_*`` headers."""
    headers: Headers = [(k, v or b"") for k, v in message.headers.items() if not k.startswith("dlq_")]
    about = (
        message.topic,
        str(message.partition),
        str(message.offset),
        str(message.timestamp),
        app,
        type(error).__name__,
        str(error)[:2000],
    )
    headers += [(name, value.encode()) for name, value in zip(_OWN, about, strict=True)]
    return OutMessage(topic_of(message.topic, app), 0, message.raw_key, message.body, headers)


def replay(headers: Headers, key: bytes | None, value: bytes | None) -> tuple[OutMessage, bool]:
    """The original message for the app that failed, and whether it may still be replayed (not quarantined)."""
    known = dict(headers)
    replays = int(known.get(REPLAYS, b"0")) + 1
    original = [(k, v) for k, v in headers if not k.startswith("dlq_") and k not in (REPLAYS, REPLAY_FOR)]
    original += [(REPLAY_FOR, known["dlq_service"]), (REPLAYS, b"%d" % replays)]
    message = OutMessage(known["dlq_topic"].decode(), int(known["dlq_partition"]), key, value, original)
    return message, replays <= MAX_REPLAYS
