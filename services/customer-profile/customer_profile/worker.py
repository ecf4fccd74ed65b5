"""Topics -> pipeline, for both apps of the service."""

from contracts.apps import APPS
from customer_profile import account, handlers
from servicekit.app import App

NAME = "customer-profile"
ACCOUNT = "customer-account"
TOPICS = APPS[NAME].reads
ACCOUNT_TOPICS = APPS[ACCOUNT].reads


def app(partitions: int) -> App:
    """The archive: one processor a partition, its state a customer's record, or what was heard of a processor or
    manager.
    """
    return App(
        name=NAME,
        service=NAME,
        state=handlers.STATE,
        handlers=handlers.HANDLERS,
        key=handlers.key_of,
        partitions=partitions,
        pace=0.5,
    )


def account_app(partitions: int) -> App:
    """Bills, usage and the like: one processor a partition, its state a customer's records of one kind."""
    return App(
        name=ACCOUNT,
        service=NAME,
        state=account.KindRecords,
        handlers=account.HANDLERS,
        key=account.key_of,
        partitions=partitions,
        pace=0.5,
    )
