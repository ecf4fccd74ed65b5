"""Every page, who looks at it there, and with which item open."""

from __future__ import annotations

from browser.workbench import Workbench

#: name -> role and address; ``{alert}`` and the like are ids of the manager's own
PLACES: dict[str, tuple[str | None, str]] = {
    "sign-in": (None, "/signin"),
    "today": ("manager", "/today"),
    "alerts": ("manager", "/alerts"),
    "alert": ("manager", "/alerts?item={alert}"),
    "work": ("manager", "/work"),
    "work-item": ("manager", "/work?item={work}"),
    "customers": ("manager", "/customers"),
    "customer": ("manager", "/customers/{customer}"),
    "pop": ("manager", "/pop?customer={customer}&call=c-1"),
    "why": ("manager", "/why/{alert}"),
    "today-of-head": ("head", "/today"),
    "alerts-of-head": ("head", "/alerts"),
    "alerts-of-city": ("city_head", "/alerts"),
    "overview-of-city": ("city_head", "/overview"),
    "team": ("head", "/team/{unit}"),
    "overview": ("analyst", "/overview"),
    "rules": ("analyst", "/rules"),
    "rule": ("analyst", "/rules/drop-30"),
    "rule-of-head": ("head", "/rules/silent"),
    "rule-edit": ("analyst", "/rules/drop-30/edit"),
    "condition-edit": ("analyst", "/rules/contract-and-usage/edit"),
    "template": ("analyst", "/documents/templates/arrears-reminder"),
    "template-edit": ("analyst", "/documents/templates/arrears-reminder/edit"),
    "policy": ("analyst", "/documents/policies/sms"),
    "policy-edit": ("analyst", "/documents/policies/sms/edit"),
    "calendar-edit": ("analyst", "/documents/calendars/working-days/edit"),
    "customer-lists": ("analyst", "/documents/customer-lists"),
    "customer-list-new": ("analyst", "/documents/customer-lists/-/edit"),
    "work-rules": ("analyst", "/documents/work-rules"),
    "stops": ("analyst", "/documents/stops"),
    "releases": ("analyst", "/documents/releases"),
    "jobs": ("analyst", "/jobs"),
    "feeds": ("operations", "/feeds"),
    "feeds-of-integrator": ("integrator", "/feeds"),
    "admin": ("administrator", "/admin"),
    "admin-user": ("administrator", "/admin/users/{staff}"),
    "admin-units": ("administrator", "/admin/units"),
    "admin-roles": ("administrator", "/admin/roles"),
    "admin-tokens": ("administrator", "/admin/tokens"),
    "admin-audit": ("administrator", "/admin/audit"),
    "not-found": ("manager", "/nowhere"),
    "notices": ("manager", "/notices"),
}


def address(workbench: Workbench, name: str) -> tuple[str | None, str]:
    """Role and address of this place, with ids of this instance: those of an alert that has a work item."""
    role, path = PLACES[name]
    if "{unit}" in path:
        return role, path.format(unit=workbench.account("head")["unit_id"])
    if "{staff}" in path:
        return role, path.format(staff=workbench.account("manager")["staff_no"])
    if "{" in path:
        alert = next(row for row in workbench.get("/v1/lists/alerts?limit=200")["rows"] if row["work_id"])
        path = path.format(alert=alert["alert_id"], work=alert["work_id"], customer=alert["customer_id"])
    return role, path
