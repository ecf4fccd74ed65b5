"""Message ids of SMSCs, which write the same id differently in an answer and in a receipt."""

_LONGEST = 64  # SMPP 3.4 §5.2.23; longer ones are no numbers


def is_same(one: str | None, other: str | None) -> bool:
    """Whether two ids may name the same message: letter case, leading zeros and 0x aside, they are equal, or one is the
    decimal and the other the hexadecimal form (SMPP 3.4 Appendix B, "id") of one number."""
    if not one or not other:
        return False
    one, other = _bare(one), _bare(other)
    if not one or not other:
        return False
    return one == other or _is_hex_of(one, other) or _is_hex_of(other, one)


def _bare(id_: str) -> str:
    return id_.strip().lower().removeprefix("0x").lstrip("0")


def _is_hex_of(one: str, decimal: str) -> bool:
    is_number = decimal.isascii() and decimal.isdecimal() and len(decimal) <= _LONGEST
    return is_number and one == f"{int(decimal):x}"
