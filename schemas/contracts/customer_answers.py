"""What the routes of customer-profile answer, and a customer as the gateway composes one."""

from contracts.alert_answers import AlertView, SmsView
from contracts.answer import Answer, OpenAnswer, Value
from contracts.work_answers import WorkView


class CustomerFields(OpenAnswer):
    """The customer's record and archive; personal fields masked unless asked for in clear."""

    customer_id: str


class ManagerView(OpenAnswer):
    """The customer's manager."""

    manager_id: str
    name: str | None = None


class UnitView(OpenAnswer):
    """The manager's business unit."""

    unit_id: str
    name: str | None = None


class HistoryView(Answer):
    """One change of one field."""

    customer_id: str
    revision: int
    field: str
    old: Value
    new: Value
    at: str
    recorded: str
    event_id: str
    correlation: str


class FactView(OpenAnswer):
    """A BOSS record of the customer, with the columns of its kind; ``at`` its effective time."""

    at: str
    event_id: str


class CustomerPage(Answer):
    """A customer with everything known of them, newest first."""

    customer: CustomerFields
    manager: ManagerView | None
    unit: UnitView | None
    history: list[HistoryView]
    bills: list[FactView]
    usages: list[FactView]
    payments: list[FactView]
    arrears: FactView | None
    balance: FactView | None
    contracts: list[FactView]
    complaints: list[FactView]
    requests: list[FactView]


class WholeCustomer(CustomerPage):
    """The page with the customer's alerts, SMS and work items beside it."""

    alerts: list[AlertView]
    sms: list[SmsView]
    work: list[WorkView]
