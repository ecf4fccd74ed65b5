"""Topics -> pipeline."""

from contracts.apps import APPS
from manager_work.contacts import Contacts
from manager_work.domain import Ended, Item, Manager
from manager_work.handlers import APP, handlers, key_of
from manager_work.rules import KINDS, Duties, WorkRules
from servicekit.app import App
from servicekit.documents.in_force import Taken

TOPICS = APPS[APP].reads


def app(rules: WorkRules, partitions: int) -> App:
    """The app: one processor over everything, because a manager's items are spread over all partitions."""
    duties = Duties(rules)
    return App(
        name=APP,
        service=APP,
        state=Item | Ended | Manager | Contacts,
        handlers=handlers(duties),
        key=key_of,
        partitions=partitions,
        pace=0.5,
        documents=Taken(KINDS, duties.switched, newest_only=KINDS),
        switch_topics=TOPICS,
    )
