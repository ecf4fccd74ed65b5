"""Topics -> pipeline."""

from customer_profile.domain import Archive
from customer_profile.handlers import HANDLERS, key_of
from servicekit.pipeline import App

NAME = "customer-profile"
TOPICS = ["boss.events"]


def app(partitions: int) -> App:
    """The app: one unit a partition, its state a customer's archive."""
    return App(name=NAME, service=NAME, state=Archive, handlers=HANDLERS, key=key_of, partitions=partitions)
