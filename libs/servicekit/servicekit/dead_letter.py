"""Dead letters: what could not be handled, with its original bytes, why and where, so that it can be replayed.

A replay is the original message on its original topic with a header that names the one app it is for; every other
consumer skips it. Quarantine: a message that failed ``MAX_REPLAYS`` replays is not sent again.

A message too large for a letter is cut: the letter says its length and digest, and ``keep`` writes the original to
disk.
"""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from servicekit.durable_file import write_durably
from servicekit.envelope import Headers, Message, OutgoingMessage

REPLAY_FOR = "kam-replay-for"
REPLAYS = "kam-replays"
MAX_REPLAYS = 5
#: how much of what was too large for a letter stays on disk, in bytes; the oldest go first
KEPT_BYTES = 2 << 30
#: what a letter may carry of a message: body and headers, in bytes
MAX_BODY, MAX_HEADERS = 7 << 20, 256 << 10
_CUT_BODY = 64 << 10
_OWN = ("dlq_topic", "dlq_partition", "dlq_offset", "dlq_timestamp", "dlq_service", "dlq_error", "dlq_reason")


class TooMany(Exception):
    """Too many dead letters in a row: something is wrong with us, not with the messages."""


def topic_of(topic: str, app: str) -> str:
    """Dead-letter topic of an app for a topic."""
    return f"{topic}.{app}.dlq"


def letter(message: Message, app: str, error: Exception) -> OutgoingMessage:
    """The dead letter of a message: original key, body and headers, plus ``dlq_*`` headers."""
    # What a stranger may have written there in our name: marks of dead letters, and a count that is none.
    original = [(k, v or b"") for k, v in message.headers.items() if not k.startswith(("dlq_", "dlq-"))]
    headers = _fitting([(k, v if k != REPLAYS else b"%d" % replays_of(v)) for k, v in original])
    about = (
        message.topic,
        str(message.partition),
        str(message.offset),
        str(message.timestamp),
        app,
        type(error).__name__,
        (str(error) or repr(error))[:2000],
    )
    headers += [(name, value.encode("utf-8", "replace")) for name, value in zip(_OWN, about, strict=True)]
    body = message.body
    if is_too_large(message):
        body = (body or b"")[:_CUT_BODY]
        headers += [("dlq_truncated", b"%d" % len(message.body or b"")), ("dlq_sha256", digest(message).encode())]
    elif body is None and message.raw_key is None:
        # A record without key and value can be received but not be sent.
        body = b""
        headers.append(("dlq_null_value", b"1"))
    key = None if message.raw_key is None else message.raw_key[:_CUT_BODY]
    return OutgoingMessage(topic_of(message.topic, app), 0, key, body, headers)


def replays_of(header: bytes | None) -> int:
    """How often a message has been replayed; 0 where the header is absent or no count."""
    return int(header) if header is not None and header.isdigit() and len(header) < 10 else 0


def _fitting(headers: Headers) -> Headers:
    """As many headers as fit, the first ones; of one that is too long only its beginning."""
    kept: Headers = []
    room = MAX_HEADERS
    for name, value in headers:
        room -= len(name) * 3 + 16
        if room <= 0:
            break
        kept.append((name, value[:room]))
        room -= len(value)
    return kept


def is_too_large(message: Message) -> bool:
    """Whether a letter can't hold the whole message."""
    headers = sum(len(k) * 3 + 16 + len(v or b"") for k, v in message.headers.items())
    return len(message.body or b"") > MAX_BODY or headers > MAX_HEADERS or len(message.raw_key or b"") > _CUT_BODY


def digest(message: Message) -> str:
    """SHA-256 of the original body, hexadecimal: the name under which ``keep`` stores it."""
    return sha256(message.body or b"").hexdigest()


def keep(folder: Path, message: Message) -> Path:
    """Write the original body whole and durably; the same body twice is one file. The oldest make room for it."""
    return write_whole(folder, digest(message), message.body or b"")


def write_whole(folder: Path, name: str, content: bytes) -> Path:
    """A file of what no broker takes: whole and durable, or not there at all. The oldest make room for it."""
    path = folder / name
    if not path.exists():
        write_durably(path, content)
        _make_room(folder, path)
    return path


def _make_room(folder: Path, newest: Path) -> None:
    files: list[tuple[int, int, Path]] = []
    for path in folder.iterdir():
        # Another processor of the service may make room at the same time.
        with suppress(FileNotFoundError):
            about = path.stat()
            files.append((about.st_mtime_ns, about.st_size, path))
    room = KEPT_BYTES
    for _, size, path in sorted(files, reverse=True):
        room -= size
        if room < 0 and path != newest:
            path.unlink(missing_ok=True)


def replay(headers: Headers, key: bytes | None, value: bytes | None) -> tuple[OutgoingMessage, bool]:
    """The original message for the app that failed, and whether it may still be replayed (not quarantined)."""
    known = dict(headers)
    replays = replays_of(known.get(REPLAYS)) + 1
    original = [(k, v) for k, v in headers if not k.startswith("dlq_") and k not in (REPLAYS, REPLAY_FOR)]
    original += [(REPLAY_FOR, known["dlq_service"]), (REPLAYS, b"%d" % replays)]
    message = OutgoingMessage(known["dlq_topic"].decode(), int(known["dlq_partition"]), key, value, original)
    return message, replays <= MAX_REPLAYS
