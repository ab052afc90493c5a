"""Views for SQL dashboards such as Grafana's: read-only, with names instead of numbers."""

from datetime import UTC, datetime

from leadline.api.provider.wire import NAMES_NO_UNREAD
from leadline.programs.provider.schema import EPOCH
from leadline.programs.provider.source_row import SEVERITIES

_SINCE_1970 = int((EPOCH - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
_WORD = (
    "CASE {column} "
    + " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(SEVERITIES))
    + " END"
)
_OF_FINDING = (
    "t.name AS tenant, s.name AS source, d.control, "
    + _WORD.format(column="f.severity")
    + " AS severity, o.grp AS api_group, o.kind, o.namespace, o.name, o.file, d.path, d.accepted,"
    f" f.first + {_SINCE_1970} AS first_received"
)
_JOINED = (
    "JOIN source s ON s.id = f.source JOIN tenant t ON t.id = f.tenant"
    " JOIN object o ON o.source = f.source AND o.id = f.object JOIN detail d ON d.source = f.source AND d.id = f.detail"
)
VIEWS = {
    "read_open": f"SELECT {_OF_FINDING} FROM finding f {_JOINED}",
    "read_gone": f"SELECT {_OF_FINDING}, f.gone + {_SINCE_1970} AS gone FROM gone f {_JOINED}",
    "read_days": "SELECT t.name AS tenant, s.name AS source, f.day, "
    + _WORD.format(column="f.severity")
    + " AS severity, f.open, f.accepted, f.opened, f.gone FROM day f JOIN source s ON s.id = f.source"
    " JOIN tenant t ON t.id = f.tenant",
    "read_sources": "SELECT t.name AS tenant, s.name AS source, s.kind, s.received, s.every AS every_seconds, s.objects, s.judged,"
    f" CASE WHEN s.program = '{NAMES_NO_UNREAD}' THEN NULL ELSE s.unread END AS unread, s.program FROM source s JOIN tenant t ON t.id = s.tenant",
    "read_images": "SELECT t.name AS tenant, s.name AS source, i.digest, i.name, i.received, i.packages, i.critical, i.high,"
    " i.exploited, i.database, i.unread FROM image i JOIN source s ON s.id = i.source JOIN tenant t ON t.id = i.tenant",
}
"""Moments of findings are seconds since 1970; what a source could not read is NULL where its reports do not say."""


def views_sql(role: str) -> str:
    """``role``: of PostgreSQL, which gets to read them and nothing else; empty for SQLite, which has none."""
    lines = [f"DROP VIEW IF EXISTS {name};\nCREATE VIEW {name} AS {text};" for name, text in VIEWS.items()]
    if role:
        lines.append(f"GRANT SELECT ON {', '.join(VIEWS)} TO {role};")
        lines.append(f"ALTER ROLE {role} SET default_transaction_read_only = on;")
        # Of all tenants: anyone who writes SQL could set this anyway.
        lines.append(f"ALTER ROLE {role} SET leadline.tenant = '0';")
    # Whole or not at all: a role without its settings would see views without rows.
    return "\n".join(("BEGIN;", *lines, "COMMIT;"))
