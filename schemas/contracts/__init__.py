"""The platform's contracts: event types, their payloads and topics. Data only; imports no framework."""

#: of every topic whose key is a customer, unless an instance is created with another number
DEFAULT_PARTITIONS = 4


def worker_name(service: str, number: int) -> str:
    """Name of a service's worker, counted from 1; the first is called like its service."""
    return service if number == 1 else f"{service}-{number}"
