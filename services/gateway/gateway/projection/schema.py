"""The tables of the read model, and how a row goes in. What an older or a repeated event says changes nothing.

Times are ISO 8601 in UTC, so that their order is that of texts; ``NEVER`` stands where nothing is due. ``seq`` is the
number of the last change of a row, by which live messages go on within a file (mark ``epoch``). ``heard`` and
``revision`` are those of a BOSS record; those of alerts, work items and SMS are ``revision`` and ``at``: by revision,
but what is later by both begins anew.
"""

#: Another number, and the file is made anew.
VERSION = 9
NEVER = "9999-12-31T23:59:59+00:00"

TABLES = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE offsets (place TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE units (
  unit_id TEXT PRIMARY KEY, parent_id TEXT, name TEXT, city TEXT, head_id TEXT,
  heard TEXT NOT NULL DEFAULT '', revision INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE managers (
  manager_id TEXT PRIMARY KEY, name TEXT, unit_id TEXT, extension TEXT, status TEXT,
  heard TEXT NOT NULL DEFAULT '', revision INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL
) WITHOUT ROWID;

-- Whoever is only named by an alert, work item or SMS has a row too, not known yet: joins lose nothing.
CREATE TABLE customers (
  number INTEGER PRIMARY KEY, customer_id TEXT NOT NULL UNIQUE, known INTEGER NOT NULL DEFAULT 0,
  kind TEXT, name TEXT, name_sort TEXT NOT NULL DEFAULT '', words TEXT NOT NULL DEFAULT '',
  phone TEXT, phone_tail TEXT, phone_key BLOB, city TEXT, district TEXT, area TEXT, unit_id TEXT, manager_id TEXT,
  status TEXT, brand TEXT, plan_code TEXT, monthly_fee_fen INTEGER, opened_on TEXT, credit_class TEXT,
  corporate_id TEXT, role TEXT, language TEXT, do_not_disturb INTEGER,
  heard TEXT NOT NULL DEFAULT '', revision INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX customers_manager ON customers (manager_id, name_sort, customer_id);
CREATE INDEX customers_unit ON customers (unit_id, name_sort, customer_id);
CREATE INDEX customers_city ON customers (city, name_sort, customer_id);
CREATE INDEX customers_name ON customers
  (name_sort, customer_id, known, kind, status, area, city, unit_id, manager_id);
CREATE INDEX customers_fee ON customers (coalesce(monthly_fee_fen, -1), customer_id);
CREATE INDEX customers_opened ON customers (coalesce(opened_on, ''), customer_id);
CREATE INDEX customers_tail ON customers (phone_tail);
CREATE INDEX customers_phone ON customers (phone_key);
CREATE INDEX customers_seq ON customers (seq);
-- A customer who moves takes all that is theirs along.
CREATE TRIGGER customers_moved AFTER UPDATE OF city, unit_id, manager_id ON customers
  WHEN new.city IS NOT old.city OR new.unit_id IS NOT old.unit_id OR new.manager_id IS NOT old.manager_id
BEGIN
  UPDATE alerts SET city = new.city, unit_id = new.unit_id, manager_id = new.manager_id, seq = new.seq
    WHERE customer_id = new.customer_id;
  UPDATE shadow_alerts SET city = new.city, unit_id = new.unit_id, manager_id = new.manager_id, seq = new.seq
    WHERE customer_id = new.customer_id;
  UPDATE work SET city = new.city, unit_id = new.unit_id, manager_id = new.manager_id, seq = new.seq
    WHERE customer_id = new.customer_id;
  UPDATE sms SET city = new.city, unit_id = new.unit_id, manager_id = new.manager_id, seq = new.seq
    WHERE customer_id = new.customer_id;
  INSERT INTO moves
    SELECT new.customer_id, coalesce(old.city, ''), coalesce(old.unit_id, ''), coalesce(old.manager_id, ''), new.seq
    WHERE new.city IS NOT coalesce(old.city, new.city) OR new.unit_id IS NOT coalesce(old.unit_id, new.unit_id)
      OR new.manager_id IS NOT coalesce(old.manager_id, new.manager_id)
    ON CONFLICT DO UPDATE SET seq = excluded.seq;
END;
-- Where customers were before, once each, and with which change they last left: whoever saw them there is told. Who is
-- only known better now has left nobody.
CREATE TABLE moves (
  customer_id TEXT NOT NULL, city TEXT NOT NULL, unit_id TEXT NOT NULL, manager_id TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (customer_id, city, unit_id, manager_id)
) WITHOUT ROWID;
CREATE INDEX moves_seq ON moves (seq);
-- Words are made by us (names.py): nothing else separates or folds them.
CREATE VIRTUAL TABLE names USING fts5 (
  words, content = 'customers', content_rowid = 'number', detail = 'none', columnsize = 0, tokenize = 'ascii',
  prefix = '1 2'
);
CREATE TRIGGER names_new AFTER INSERT ON customers WHEN new.words <> '' BEGIN
  INSERT INTO names (rowid, words) VALUES (new.number, new.words);
END;
CREATE TRIGGER names_changed AFTER UPDATE OF words ON customers WHEN new.words <> old.words BEGIN
  INSERT INTO names (names, rowid, words) SELECT 'delete', old.number, old.words WHERE old.words <> '';
  INSERT INTO names (rowid, words) SELECT new.number, new.words WHERE new.words <> '';
END;

-- City, unit and manager of alerts, work items and SMS are their customer's.
-- ``ended`` is detection's word. ``progress`` (NULL: not known) is that of notifications since the alert began or
-- reopened, which was with revision ``life``. ``not_acknowledged``, ``not_begun``: by how many levels it went up for
-- that, ``escalated``: for either; ``suppressed``: maintenance holds it.
CREATE TABLE alerts (
  alert_id TEXT PRIMARY KEY, kind TEXT NOT NULL, customer_id TEXT NOT NULL,
  city TEXT, unit_id TEXT, manager_id TEXT,
  revision INTEGER NOT NULL, at TEXT NOT NULL, life INTEGER NOT NULL DEFAULT 0,
  ended TEXT, progress TEXT, progress_at TEXT,
  not_acknowledged INTEGER NOT NULL DEFAULT 0, not_begun INTEGER NOT NULL DEFAULT 0,
  escalated INTEGER NOT NULL AS (max(not_acknowledged, not_begun)) STORED,
  suppressed INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL, open INTEGER NOT NULL, stage TEXT, severity TEXT NOT NULL, rank INTEGER NOT NULL,
  rule_id TEXT NOT NULL, rule_version INTEGER NOT NULL, period TEXT, late INTEGER NOT NULL DEFAULT 0, outcome TEXT,
  raised_at TEXT NOT NULL, due_at TEXT NOT NULL, amount_fen INTEGER, shown BLOB NOT NULL, seq INTEGER NOT NULL
);
-- Wide ones hold what lists filter and count by: rows are looked up for a page only.
CREATE INDEX alerts_due ON alerts
  (open, due_at, alert_id, kind, state, stage, severity, escalated, suppressed, city, unit_id, manager_id);
CREATE INDEX alerts_rank ON alerts (open, rank, due_at, alert_id);
CREATE INDEX alerts_raised ON alerts
  (raised_at, alert_id, open, due_at, kind, state, stage, severity, escalated, suppressed, outcome, city, unit_id,
   manager_id);
CREATE INDEX alerts_customer ON alerts (customer_id, open);
CREATE INDEX alerts_manager ON alerts (manager_id, open, due_at, alert_id);
CREATE INDEX alerts_unit ON alerts
  (unit_id, open, due_at, alert_id, kind, state, stage, severity, escalated, suppressed);
CREATE INDEX alerts_city ON alerts (city, open, due_at, alert_id, kind, state, stage, severity, escalated, suppressed);
CREATE INDEX alerts_ended ON alerts (outcome, at, kind, amount_fen, city, unit_id, manager_id) WHERE open = 0;
CREATE INDEX alerts_owing ON alerts (kind, amount_fen, city, unit_id, manager_id) WHERE open = 1;
CREATE INDEX alerts_seq ON alerts (seq);
CREATE INDEX alerts_rule ON alerts (rule_id);

-- What rules in shadow raise is in a table of its own: nothing that counts, lists or tells of alerts can meet it.
CREATE TABLE shadow_alerts (
  alert_id TEXT PRIMARY KEY, kind TEXT NOT NULL, customer_id TEXT NOT NULL,
  city TEXT, unit_id TEXT, manager_id TEXT, revision INTEGER NOT NULL, at TEXT NOT NULL, open INTEGER NOT NULL,
  rule_id TEXT NOT NULL, rule_version INTEGER NOT NULL, outcome TEXT, shown BLOB NOT NULL, seq INTEGER NOT NULL
);
CREATE INDEX shadow_alerts_customer ON shadow_alerts (customer_id);
CREATE INDEX shadow_alerts_rule ON shadow_alerts (rule_id);

-- ``holder_id`` has it in hand; ``first_at``: when somebody first took it on; ``contact_…``: what was done for the
-- customer last.
CREATE TABLE work (
  work_id TEXT PRIMARY KEY, kind TEXT NOT NULL, alert_id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL,
  city TEXT, unit_id TEXT, manager_id TEXT,
  revision INTEGER NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL,
  holder_id TEXT, queue TEXT, due_at TEXT NOT NULL, calendar BLOB, outcome TEXT, opened_at TEXT NOT NULL, first_at TEXT,
  contact_at TEXT, contact_kind TEXT, contact_result TEXT, contact_by TEXT, promised_on TEXT, follow_up_on TEXT,
  seq INTEGER NOT NULL
);
CREATE INDEX work_due ON work (open, due_at, work_id, kind, state, holder_id, city, unit_id, manager_id);
CREATE INDEX work_opened ON work (opened_at, work_id, kind, state, outcome, holder_id, city, unit_id, manager_id);
CREATE INDEX work_customer ON work (customer_id, open);
CREATE INDEX work_holder ON work (holder_id, open, due_at, work_id);
CREATE INDEX work_manager ON work (manager_id, open, due_at, work_id);
CREATE INDEX work_unit ON work (unit_id, open, due_at, work_id, kind, state, holder_id);
CREATE INDEX work_city ON work (city, open, due_at, work_id, kind, state, holder_id);
CREATE INDEX work_closed ON work (unit_id, at, holder_id, kind, outcome, first_at, opened_at) WHERE open = 0;
CREATE INDEX work_seq ON work (seq);

-- Contacts that belong to no work item.
CREATE TABLE contacts (
  contact_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, result TEXT, by TEXT,
  follow_up_on TEXT, seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX contacts_customer ON contacts (customer_id, at);

CREATE TABLE sms (
  sms_id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, customer_id TEXT NOT NULL,
  city TEXT, unit_id TEXT, manager_id TEXT, revision INTEGER NOT NULL, at TEXT NOT NULL,
  step TEXT NOT NULL, template TEXT NOT NULL, language TEXT NOT NULL, phone TEXT, segments INTEGER NOT NULL,
  state TEXT NOT NULL, reason TEXT, planned_at TEXT NOT NULL, seq INTEGER NOT NULL
);
CREATE INDEX sms_planned ON sms (planned_at, sms_id, state, reason, city, unit_id, manager_id);
CREATE INDEX sms_state ON sms (state, planned_at, sms_id, reason, city, unit_id, manager_id);
CREATE INDEX sms_customer ON sms (customer_id);
CREATE INDEX sms_manager ON sms (manager_id, planned_at, sms_id);
CREATE INDEX sms_unit ON sms (unit_id, planned_at, sms_id, state, reason);
CREATE INDEX sms_city ON sms (city, planned_at, sms_id, state, reason);
CREATE INDEX sms_alert ON sms (alert_id);
CREATE INDEX sms_seq ON sms (seq);

PRAGMA user_version = {VERSION};
"""

_RECORD_IS_NEWER = (
    "excluded.revision = 0 OR {table}.revision = 0"
    " OR (excluded.heard, excluded.revision) > ({table}.heard, {table}.revision)"
)
#: what notifications tell of an alert's progress counts: it began with this revision or before, and nothing later came
_IS_HEARD = "alert_id = :alert_id AND life <= :revision AND ended IS NULL AND coalesce(progress_at, '') <= :at"
_IS_NEWER = "excluded.revision > {table}.revision OR excluded.at > {table}.at"

_CUSTOMER = (
    "customer_id known kind name name_sort words phone phone_tail phone_key city district area unit_id manager_id"
    " status brand plan_code monthly_fee_fen opened_on credit_class corporate_id role language do_not_disturb"
    " heard revision seq"
)
_ALERT = (
    "alert_id kind customer_id city unit_id manager_id revision at life ended progress suppressed state open stage"
    " severity rank rule_id rule_version period late outcome raised_at due_at amount_fen shown seq"
)
_SHADOW = "alert_id kind customer_id city unit_id manager_id revision at open rule_id rule_version outcome shown seq"
_WORK = (
    "work_id kind alert_id customer_id city unit_id manager_id revision at state open holder_id queue due_at calendar"
    " outcome opened_at first_at contact_at contact_kind contact_result contact_by promised_on follow_up_on seq"
)
_SMS = (
    "sms_id alert_id customer_id city unit_id manager_id revision at step template language phone segments state reason"
    " planned_at seq"
)
_LOGGED = "contact_id customer_id at kind result by follow_up_on seq"
_UNIT = "unit_id parent_id name city head_id heard revision seq"
_MANAGER = "manager_id name unit_id extension status heard revision seq"
#: what a column is made of, where that is not just the parameter of its name
_OF_CUSTOMER = {
    name: f"(SELECT {name} FROM customers WHERE customer_id = :customer_id)"
    for name in ("city", "unit_id", "manager_id")
}
_MADE = {
    "customers": {"unit_id": "(SELECT unit_id FROM managers WHERE manager_id = :manager_id)"},
    # What an alert asks to be done is due when its work item is.
    "alerts": {**_OF_CUSTOMER, "due_at": "coalesce((SELECT due_at FROM work WHERE alert_id = :alert_id), :due_at)"},
    "shadow_alerts": _OF_CUSTOMER,
    "work": _OF_CUSTOMER,
    "sms": _OF_CUSTOMER,
}
#: An item that opens anew waits anew.
_FIRST = (
    "CASE WHEN excluded.opened_at <> work.opened_at THEN excluded.first_at"
    " ELSE coalesce(work.first_at, excluded.first_at) END"
)
#: Who left stays so until BOSS says ``active`` again.
_STATUS = "CASE WHEN customers.status = 'left' AND excluded.status IS NOT 'active' THEN 'left' ELSE excluded.status END"


def _add(table: str, columns: str) -> str:
    """Insert a row; one that is there stays as it is. The first column is its key."""
    names, made = columns.split(), _MADE.get(table, {})
    values = ", ".join(made.get(name, f":{name}") for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values}) ON CONFLICT ({names[0]}) DO NOTHING"


def _put(table: str, columns: str, is_newer: str, **instead: str) -> str:
    """Insert a row, or let a newer one take its place; ``instead``: what a column becomes then."""
    changed = {name: f"excluded.{name}" for name in columns.split()[1:]} | instead
    told = ", ".join(f"{name} = {value}" for name, value in changed.items())
    condition = is_newer.format(table=table)
    return _add(table, columns).replace("DO NOTHING", f"DO UPDATE SET {told} WHERE {condition}")


#: What is done for the customer is told once; later changes of the item leave it as it was.
_CONTACT = {
    name: f"CASE WHEN excluded.contact_at IS NULL THEN work.{name} ELSE excluded.{name} END"
    for name in ("contact_at", "contact_kind", "contact_result", "contact_by", "promised_on", "follow_up_on")
}

#: how far up an alert went stays the furthest
_HIGHEST = ", ".join(f"{cause} = max({cause}, :{cause})" for cause in ("not_acknowledged", "not_begun"))
_HIGHER = "not_acknowledged < :not_acknowledged OR not_begun < :not_begun"

#: how each kind of row goes in, by name; all values are parameters
STATEMENTS: dict[str, str] = {
    "customer": _put("customers", _CUSTOMER, _RECORD_IS_NEWER, status=_STATUS),
    "customer left": _put("customers", "customer_id known status heard revision seq", _RECORD_IS_NEWER),
    "customer named": "INSERT OR IGNORE INTO customers (customer_id) VALUES (:customer_id)",
    "unit": _put("units", _UNIT, _RECORD_IS_NEWER),
    "manager": _put("managers", _MANAGER, _RECORD_IS_NEWER),
    # A manager who changes his unit, or whose own record comes late, takes his customers along.
    "customers of manager": (
        "UPDATE customers SET unit_id = m.unit_id, seq = :seq FROM managers m"
        " WHERE m.manager_id = :manager_id AND customers.manager_id = :manager_id"
        " AND customers.unit_id IS NOT m.unit_id"
    ),
    "alert": _put(
        "alerts",
        _ALERT,
        _IS_NEWER,
        at="max(alerts.at, excluded.at)",
        life="CASE WHEN excluded.life THEN excluded.life ELSE alerts.life END",
        progress="CASE WHEN excluded.life THEN 'raised' ELSE alerts.progress END",
        state="coalesce(excluded.ended, CASE WHEN excluded.life THEN 'raised' ELSE alerts.progress END, 'raised')",
        progress_at="CASE WHEN excluded.life THEN NULL ELSE alerts.progress_at END",
        not_acknowledged="CASE WHEN excluded.life THEN 0 ELSE alerts.not_acknowledged END",
        not_begun="CASE WHEN excluded.life THEN 0 ELSE alerts.not_begun END",
    ),
    # What notifications tell of an alert has the revision of detection, and may be behind it.
    "alert told": _put(
        "alerts",
        _ALERT,
        "excluded.revision > alerts.revision",
        at="max(alerts.at, excluded.at)",
        life="alerts.life",
        progress="alerts.progress",
        state="coalesce(excluded.ended, alerts.progress, 'raised')",
    ),
    "alert progress": (
        "UPDATE alerts SET progress = :progress, state = :progress, progress_at = :at,"
        f" {_HIGHEST}, seq = :seq WHERE {_IS_HEARD}"
        f" AND (progress IS NOT :progress OR state <> :progress OR {_HIGHER})"
    ),
    # It stands as it did: none of the wide indexes is touched.
    "alert heard of": f"UPDATE alerts SET progress_at = :at, seq = :seq WHERE {_IS_HEARD}",
    "shadow alert": _put("shadow_alerts", _SHADOW, _IS_NEWER, at="max(shadow_alerts.at, excluded.at)"),
    "work": _put("work", _WORK, _IS_NEWER, at="max(work.at, excluded.at)", first_at=_FIRST, **_CONTACT),
    "alert of work": (
        "UPDATE alerts SET due_at = w.due_at, seq = :seq FROM work w"
        " WHERE w.alert_id = :alert_id AND alerts.alert_id = :alert_id AND alerts.due_at <> w.due_at"
    ),
    "sms": _put("sms", _SMS, _IS_NEWER, at="max(sms.at, excluded.at)"),
    "contact": _add("contacts", _LOGGED),
    # Documents of the services, when the read model is made anew: whatever the log has said since is newer.
    "customer document": _put("customers", _CUSTOMER, "customers.known = 0"),
    "unit document": _add("units", _UNIT),
    "manager document": _add("managers", _MANAGER),
    "alert document": _add("alerts", _ALERT).replace(
        "DO NOTHING",
        "DO UPDATE SET progress = excluded.progress, seq = excluded.seq,"
        " state = coalesce(alerts.ended, excluded.progress, 'raised') WHERE alerts.progress IS NULL",
    ),
    "alert escalated": (
        f"UPDATE alerts SET {_HIGHEST}, seq = :seq WHERE alert_id = :alert_id AND life = 0 AND ({_HIGHER})"
    ),
    "shadow alert document": _add("shadow_alerts", _SHADOW),
    "work document": _add("work", _WORK),
    "sms document": _add("sms", _SMS),
}
