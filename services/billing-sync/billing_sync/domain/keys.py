"""What the intake keeps, under which key; one store, one writer.

``<KIND>/<key>``: ``Known`` of a record · ``ID/…``: hash of a fed event, with its expiry as wake-up ·
``I/<KIND>/<city>/<key>``: snapshot index, no content · ``SEG/<digest>``: ``Segment``, rows that files name together ·
``LOAD``: the file being loaded · ``SEQ/<KIND>/<city>/<seq>`` and ``LAST/<KIND>/<city>``: files taken ·
``RCPT/<name>``: receipts of a file · ``HALF/<name>``: it was told that half of this pair is missing ·
``SWITCH/<order>``: what became of an order, ``SWITCHES/<number>``: which order that was, ``WAITING/<order>``: one whose
day has not come · ``BRAKE``: what the brake's last switch said, ``RELEASE/<id>``: what it held, ``WORD/<id>``: what was
said of what alerts' brake holds, ``BRAKED``: number of the brake's last switch, ``COUNTED``: of the one after which the
customers of all cities were told.
"""

LOAD, BRAKE, BRAKED, COUNTED = "LOAD", "BRAKE", "BRAKED", "COUNTED"


def record_key(kind: str, key: str) -> str:
    return f"{kind}/{key}"


def identity_key(source: str, id: str) -> str:
    # The length keeps ("a", "b/c") and ("a/b", "c") apart.
    return f"ID/{len(source)}/{source}/{id}"


def index_key(kind: str, city: str, key: str) -> str:
    return f"I/{kind}/{city}/{key}"


def segment_key(digest: bytes) -> str:
    return f"SEG/{digest.hex()}"


def sequence_key(kind: str, city: str, sequence: int) -> str:
    return f"SEQ/{kind}/{city}/{sequence:04d}"


def last_key(kind: str, city: str) -> str:
    return f"LAST/{kind}/{city}"


def receipts_key(name: str) -> str:
    return f"RCPT/{name}"


def half_key(name: str) -> str:
    return f"HALF/{name}"


def release_key(id: str) -> str:
    return f"RELEASE/{id}"


def word_key(id: str) -> str:
    return f"WORD/{id}"


def order_key(id: str) -> str:
    return f"SWITCH/{id}"


def number_key(number: int | None) -> str:
    """Of a switch by its number; None: what all of them begin with."""
    return "SWITCHES/" if number is None else f"SWITCHES/{number:016d}"


def waiting_key(id: str) -> str:
    return f"WAITING/{id}"
