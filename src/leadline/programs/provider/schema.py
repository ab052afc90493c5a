"""The tables, as both engines have them. What differs is filled in: types of columns, and PostgreSQL's tenants and months.

Objects of a source, and its pairs of a control and the field that decides, are written once and numbered: an open finding is two
numbers, a time and its fingerprint. The fingerprint is in two parts, ``head`` and ``tail`` (``Mark``): an index of four bytes finds it. An index holds at
most two texts of a sender: PostgreSQL has 2,704 bytes for a key. Times in ``finding`` and ``gone`` are seconds since ``EPOCH``;
SQLite finds what is new of one control by the week in an index, which is small so; PostgreSQL, which holds every row to its tenant, would
not read that part of an index.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from string import Template

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
TENANT_TABLES = (
    *("source", "token", "object", "detail", "finding", "gone", "tally", "day", "message", "alert"),
    *("image", "package", "vulnerability", "ranked", "place_day"),
)
"""Those with a column ``tenant``: every one but that of the tenants itself."""
_TABLES = Template("""
CREATE TABLE tenant(id $id, name $text NOT NULL UNIQUE, created $text NOT NULL);
CREATE TABLE source(
  id $id, tenant $small NOT NULL, name $text NOT NULL, kind $text NOT NULL, created $text NOT NULL,
  every INTEGER NOT NULL, entries INTEGER NOT NULL DEFAULT 0, mode $text NOT NULL DEFAULT '',
  sequence BIGINT NOT NULL DEFAULT 0, previous $text NOT NULL DEFAULT '', received $text NOT NULL DEFAULT '',
  program $text NOT NULL DEFAULT '', rules $text NOT NULL DEFAULT '', objects BIGINT NOT NULL DEFAULT 0,
  judged BIGINT NOT NULL DEFAULT 0, unread BIGINT NOT NULL DEFAULT 0, scope $text NOT NULL DEFAULT '',
  usual_objects BIGINT NOT NULL DEFAULT 0, usual_judged BIGINT NOT NULL DEFAULT 0, usual_unread BIGINT NOT NULL DEFAULT 0,
  usual_program $text NOT NULL DEFAULT '', taken BIGINT NOT NULL DEFAULT 0, UNIQUE(tenant, name));
CREATE TABLE token(
  digest $text PRIMARY KEY, name $text NOT NULL, tenant $small NOT NULL, source INTEGER REFERENCES source,
  role $text NOT NULL, created $text NOT NULL, UNIQUE(tenant, name));
CREATE TABLE object(
  tenant $small NOT NULL, source INTEGER NOT NULL, id INTEGER NOT NULL, mark $mark NOT NULL, grp $text NOT NULL,
  kind $text NOT NULL, namespace $text NOT NULL, name $text NOT NULL, file $text NOT NULL, PRIMARY KEY(source, id));
CREATE UNIQUE INDEX object_mark ON object(source, mark);
CREATE INDEX object_name ON object(tenant, kind, name);
CREATE INDEX object_place ON object(tenant, namespace, source, id);
CREATE TABLE detail(
  tenant $small NOT NULL, source INTEGER NOT NULL, id INTEGER NOT NULL, mark $mark NOT NULL, control $text NOT NULL,
  path $text NOT NULL, accepted $text NOT NULL, PRIMARY KEY(source, id));
CREATE UNIQUE INDEX detail_mark ON detail(source, mark);
CREATE INDEX detail_control ON detail(tenant, control, source, id);
CREATE INDEX detail_accepted ON detail(tenant, source, id) WHERE accepted <> '';
CREATE TABLE finding(
  source INTEGER NOT NULL, object INTEGER NOT NULL, detail INTEGER NOT NULL, first INTEGER NOT NULL,
  head INTEGER NOT NULL, tenant $small NOT NULL, severity $small NOT NULL, tail $bytes NOT NULL) $by_tenant;
CREATE INDEX finding_object ON finding(source, object);
CREATE INDEX finding_detail ON finding(source, detail$week);
CREATE INDEX finding_head ON finding(source, head);
CREATE INDEX finding_first ON finding(source, first);
CREATE TABLE gone(
  source INTEGER NOT NULL, object INTEGER NOT NULL, detail INTEGER NOT NULL, first INTEGER NOT NULL,
  gone INTEGER NOT NULL, entry INTEGER NOT NULL, head INTEGER NOT NULL, tenant $small NOT NULL,
  severity $small NOT NULL, tail $bytes NOT NULL) $by_month;
CREATE INDEX gone_entry ON gone(source, entry, head);
CREATE INDEX gone_object ON gone(source, object);
CREATE TABLE tally(
  tenant $small NOT NULL, source INTEGER NOT NULL, severity $small NOT NULL, open INTEGER NOT NULL, accepted INTEGER NOT NULL,
  PRIMARY KEY(source, severity));
CREATE TABLE day(
  tenant $small NOT NULL, source INTEGER NOT NULL, day $text NOT NULL, severity $small NOT NULL, open INTEGER NOT NULL,
  accepted INTEGER NOT NULL, opened INTEGER NOT NULL, gone INTEGER NOT NULL, PRIMARY KEY(source, day, severity));
CREATE INDEX day_day ON day(tenant, day);
CREATE TABLE message(
  tenant $small NOT NULL, source INTEGER NOT NULL, key $text NOT NULL, sent $text NOT NULL, entry INTEGER NOT NULL,
  received $text NOT NULL, opened INTEGER NOT NULL, gone INTEGER NOT NULL, PRIMARY KEY(source, key));
CREATE INDEX message_received ON message(source, received);
CREATE TABLE alert(
  id $id, tenant $small NOT NULL, source INTEGER NOT NULL, kind $text NOT NULL, since $text NOT NULL, text $text NOT NULL,
  over $text NOT NULL DEFAULT '');
CREATE INDEX alert_source ON alert(source, kind, over);
CREATE TABLE image(
  id $id, tenant $small NOT NULL, source INTEGER NOT NULL, digest $text NOT NULL, content $text NOT NULL, name $text NOT NULL,
  received $text NOT NULL, database $text NOT NULL, unread BIGINT NOT NULL, packages INTEGER NOT NULL,
  critical INTEGER NOT NULL, high INTEGER NOT NULL, exploited INTEGER NOT NULL, UNIQUE(source, digest));
CREATE INDEX image_digest ON image(digest);
CREATE TABLE package(
  id $id, tenant $small NOT NULL, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, type $text NOT NULL,
  name $text NOT NULL, short $text NOT NULL, version $text NOT NULL);
CREATE INDEX package_name ON package(tenant, short, version);
CREATE INDEX package_image ON package(image);
CREATE TABLE vulnerability(
  id $id, tenant $small NOT NULL, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, vulnerability $text NOT NULL,
  package $text NOT NULL, version $text NOT NULL, severity $text NOT NULL, fixed $text NOT NULL, exploited INTEGER NOT NULL);
CREATE INDEX vulnerability_id ON vulnerability(tenant, vulnerability);
CREATE INDEX vulnerability_image ON vulnerability(image);
""")
_RANKS_AND_PLACES = Template("""
CREATE TABLE ranked(
  tenant $small NOT NULL, source INTEGER NOT NULL, mark $mark NOT NULL, score $real NOT NULL, grp $text NOT NULL, kind $text NOT NULL,
  namespace $text NOT NULL, name $text NOT NULL, sentence $text NOT NULL, PRIMARY KEY(source, mark));
CREATE INDEX ranked_score ON ranked(tenant, score);
CREATE TABLE place_day(
  tenant $small NOT NULL, namespace $text NOT NULL, day INTEGER NOT NULL, severity $small NOT NULL, opened INTEGER NOT NULL,
  gone INTEGER NOT NULL, PRIMARY KEY(tenant, namespace, day, severity));
""")
"""Which workload is to be fixed first, and what came and went in a namespace of any source: ``day`` is one since ``EPOCH``."""
CAME_AND_WENT = tuple(
    f"SELECT f.tenant, o.namespace, f.{moment} / 86400 AS day, f.severity, {came} AS opened, {went} AS gone FROM {table} f"
    " JOIN object o ON o.source = f.source AND o.id = f.object"
    for table, moment, came, went in (
        ("finding", "first", 1, 0),
        ("gone", "first", 1, 0),
        ("gone", "gone", 0, 1),
    )
)
"""A row for each finding that came, and for each that went."""
PLACES_SUMMED = (
    "INSERT INTO place_day SELECT tenant, namespace, day, severity, sum(opened), sum(gone)"
    f" FROM ({' UNION ALL '.join(CAME_AND_WENT)}) one GROUP BY tenant, namespace, day, severity;"
)
_SQLITE = {
    "id": "INTEGER PRIMARY KEY",
    "text": "TEXT",
    "small": "INTEGER",
    "mark": "BLOB",
    "bytes": "BLOB",
    "real": "REAL",
    "week": ", (first / 604800)",
    "by_tenant": "",
    "by_month": "",
}
_POSTGRES = {
    "id": "INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    # Sorted as SQLite does, by bytes.
    "text": 'TEXT COLLATE "C"',
    "small": "SMALLINT",
    "mark": "UUID",
    "bytes": "BYTEA",
    "real": "DOUBLE PRECISION",
    "week": "",
    "by_tenant": "PARTITION BY LIST (tenant)",
    "by_month": "PARTITION BY RANGE (gone)",
}
_ROWS_OF_A_TENANT = """
CREATE FUNCTION asking_tenant() RETURNS INTEGER LANGUAGE SQL STABLE AS
$$SELECT nullif(current_setting('leadline.tenant', true), '')::integer$$;
"""
_POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON {table} {own};
"""
_OWN_ROWS = "USING (tenant = (SELECT asking_tenant()) OR (SELECT asking_tenant()) = 0)"
"""As subqueries, which are asked once for each statement: for each row it takes half of a question's time."""


def sqlite_tables() -> str:
    return _TABLES.substitute(_SQLITE) + _RANKS_AND_PLACES.substitute(_SQLITE)


def postgres_tables() -> str:
    policies = "".join(_POLICY.format(table=table, own=_OWN_ROWS) for table in TENANT_TABLES)
    return (
        _TABLES.substitute(_POSTGRES) + _RANKS_AND_PLACES.substitute(_POSTGRES) + _ROWS_OF_A_TENANT + policies
    )


def partition_of_tenant(tenant: int) -> str:
    """Of the open findings. It has no policy, so that it cannot be read by its own name."""
    name = f"finding_{tenant:d}"
    return f"CREATE TABLE {name} PARTITION OF finding FOR VALUES IN ({tenant:d}); {_CLOSED.format(name=name)} {VACUUMED.format(name=name)}"


def partition_of_month(month: str) -> tuple[str, str]:
    """Name and statement, of the findings that went in ``2027-01``."""
    first = datetime.strptime(f"{month}-01", "%Y-%m-%d").replace(tzinfo=UTC)
    end = (first + timedelta(days=32)).replace(day=1)
    name = f"gone_{month.replace('-', '_')}"
    bounds = f"FROM ({seconds(first)}) TO ({seconds(end)})"
    return name, f"CREATE TABLE {name} PARTITION OF gone FOR VALUES {bounds}; {_CLOSED.format(name=name)}"


VACUUMED = "ALTER TABLE {name} SET (autovacuum_vacuum_scale_factor = 0.02);"
"""What partitions of versions before 6 lack: room of findings that went is free before pages of rows and indexes are full, and split.

PostgreSQL waits for a fifth of the rows where nothing is said, and an open finding then takes a third more.
"""
_CLOSED = "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"


def seconds(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


def seconds_of(stamp: str) -> int:
    """Of ``2027-01-31T10:00:00Z``."""
    return seconds(datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC))


def stamp_of(count: int) -> str:
    return (EPOCH + timedelta(seconds=count)).strftime("%Y-%m-%dT%H:%M:%SZ")


# Tables with the fingerprint of a finding in one column, and without ranks: version 6 in SQLite, 1 in PostgreSQL.

_OTHER_INDEXES = """
DROP INDEX detail_control;
CREATE INDEX detail_control ON detail(tenant, control, source, id);
CREATE INDEX detail_accepted ON detail(tenant, source, id) WHERE accepted <> '';
CREATE INDEX object_place ON object(tenant, namespace, source, id);
CREATE INDEX finding_head ON finding(source, head);
CREATE INDEX gone_entry ON gone(source, entry, head);
"""
_IN_PARTS = """
ALTER TABLE {table} ADD COLUMN head INTEGER NOT NULL DEFAULT 0;
ALTER TABLE {table} ADD COLUMN tail BLOB NOT NULL DEFAULT x'';
UPDATE {table} SET head = head_of(fingerprint), tail = tail_of(fingerprint, ordinal);
ALTER TABLE {table} DROP COLUMN fingerprint;
ALTER TABLE {table} DROP COLUMN ordinal;
"""
# In the places of the two columns that were, in one go over the table.
_POSTGRES_IN_PARTS = """
ALTER TABLE {table} ALTER COLUMN ordinal TYPE INTEGER USING ('x' || substr(fingerprint::text, 1, 8))::bit(32)::integer,
  ALTER COLUMN fingerprint TYPE BYTEA USING decode(substr(replace(fingerprint::text, '-', ''), 9) || lpad(to_hex(ordinal), 6, '0'), 'hex');
ALTER TABLE {table} RENAME COLUMN ordinal TO head;
ALTER TABLE {table} RENAME COLUMN fingerprint TO tail;
"""


BY_TIME = "CREATE INDEX finding_first ON finding(source, first);"
"""What versions 7 in SQLite and 2 in PostgreSQL lack: which findings are new, without reading all."""

_BY_DETAIL = Template(
    "DROP INDEX finding_detail; CREATE INDEX finding_detail ON finding(source, detail$week);"
)
SQLITE_BY_DETAIL = _BY_DETAIL.substitute(_SQLITE)
"""What versions before 10 lack: which findings of one control are new, in an index that is small."""
POSTGRES_BY_DETAIL = _BY_DETAIL.substitute(_POSTGRES)
"""What versions before 7 lack: they had a time in it that was never asked for, and no two findings shared a key."""
SQLITE_SEARCHED = (
    "UPDATE package SET short = searched_name(type, name) WHERE short <> searched_name(type, name);"
)
"""What versions before 11 lack: packages are found whatever the case that is typed."""
POSTGRES_SEARCHED = """
UPDATE package SET short = CASE WHEN type = 'pypi' THEN regexp_replace(lower(short), '[-_.]+', '-', 'g') ELSE lower(short) END
  WHERE short ~ '[A-Z]' OR (type = 'pypi' AND short ~ '[_.]|--');
"""
"""What versions before 8 lack. It is ``searched_name``: the collation knows the letters of ASCII alone."""


def postgres_policies() -> str:
    """What versions before 5 asked for each row."""
    return "".join(f"ALTER POLICY own ON {table} {_OWN_ROWS};" for table in TENANT_TABLES)


def sqlite_in_parts() -> str:
    parts = "".join(_IN_PARTS.format(table=table) for table in ("finding", "gone"))
    return (
        f"DROP INDEX finding_open; DROP INDEX gone_entry; {parts}{_OTHER_INDEXES}{_RANKS_AND_PLACES.substitute(_SQLITE)}"
        f"{PLACES_SUMMED}"
    )


def postgres_in_parts(partitions: Iterable[str]) -> str:
    """``partitions``: of the open findings."""
    dropped = "".join(f"DROP INDEX {name}_open;" for name in partitions)
    parts = "".join(_POSTGRES_IN_PARTS.format(table=table) for table in ("finding", "gone"))
    policies = "".join(_POLICY.format(table=table, own=_OWN_ROWS) for table in ("ranked", "place_day"))
    return f"{dropped} DROP INDEX gone_entry; {parts}{_OTHER_INDEXES}{_RANKS_AND_PLACES.substitute(_POSTGRES)}{PLACES_SUMMED}{policies}"


# Databases of SQLite from before: tables without tenants, with every text in each finding.

OLD_SQLITE = (
    """
    CREATE TABLE image(
      id INTEGER PRIMARY KEY, source INTEGER NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL, name TEXT NOT NULL,
      received TEXT NOT NULL, database TEXT NOT NULL, unread INTEGER NOT NULL, packages INTEGER NOT NULL,
      critical INTEGER NOT NULL, high INTEGER NOT NULL, exploited INTEGER NOT NULL, UNIQUE(source, digest));
    CREATE INDEX image_digest ON image(digest);
    CREATE TABLE package(
      id INTEGER PRIMARY KEY, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, type TEXT NOT NULL,
      name TEXT NOT NULL, short TEXT NOT NULL, version TEXT NOT NULL);
    CREATE INDEX package_name ON package(short, version);
    CREATE INDEX package_image ON package(image);
    CREATE TABLE vulnerability(
      id INTEGER PRIMARY KEY, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, vulnerability TEXT NOT NULL,
      package TEXT NOT NULL, version TEXT NOT NULL, severity TEXT NOT NULL, fixed TEXT NOT NULL, exploited INTEGER NOT NULL);
    CREATE INDEX vulnerability_id ON vulnerability(vulnerability);
    CREATE INDEX vulnerability_image ON vulnerability(image);
    """,
    "ALTER TABLE source ADD COLUMN scope TEXT NOT NULL DEFAULT '';",
    """
    ALTER TABLE source ADD COLUMN usual_objects INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE source ADD COLUMN usual_judged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE source ADD COLUMN usual_unread INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE source ADD COLUMN usual_program TEXT NOT NULL DEFAULT '';
    UPDATE source SET usual_objects = objects, usual_judged = judged, usual_unread = unread, usual_program = program;
    """,
    "CREATE INDEX finding_was ON finding(kind, namespace, name) WHERE gone IS NOT NULL;",
)
"""What each of the versions 1 to 4 lacks."""
_RENAMED = (
    "source",
    "token",
    "finding",
    "tally",
    "day",
    "message",
    "alert",
    "image",
    "package",
    "vulnerability",
)
_SECONDS = "CAST(strftime('%s', {column}) AS INTEGER) - 1577836800"
_CARRIED = f"""
INSERT INTO tenant(name, created) SELECT tenant, min(created) FROM
  (SELECT tenant, created FROM old_source UNION ALL SELECT tenant, created FROM old_token) GROUP BY tenant;
INSERT INTO source SELECT s.id, t.id, s.name, s.kind, s.created, every, entries, mode, sequence, previous, received, program, rules,
  objects, judged, unread, scope, usual_objects, usual_judged, usual_unread, usual_program, 0
  FROM old_source s JOIN tenant t ON t.name = s.tenant;
INSERT INTO token SELECT digest, o.name, t.id, source, role, o.created FROM old_token o JOIN tenant t ON t.name = o.tenant;
INSERT INTO object SELECT s.tenant, source, row_number() OVER (PARTITION BY source ORDER BY first), mark, grp, f.kind, namespace, f.name, file
  FROM (SELECT *, mark_of(grp, kind, namespace, name, file) AS mark, min(first) AS first FROM old_finding
  GROUP BY source, mark_of(grp, kind, namespace, name, file)) f JOIN source s ON s.id = f.source;
INSERT INTO detail SELECT s.tenant, source, row_number() OVER (PARTITION BY source ORDER BY first), mark, control, path, accepted
  FROM (SELECT *, mark_of(control, path, accepted) AS mark, min(first) AS first FROM old_finding
  GROUP BY source, mark_of(control, path, accepted)) f JOIN source s ON s.id = f.source;
CREATE TEMP VIEW numbered AS SELECT f.source, o.id AS object, d.id AS detail, {_SECONDS.format(column="f.first")} AS first,
  {_SECONDS.format(column="f.gone")} AS gone, f.ordinal, o.tenant, f.severity, f.fingerprint FROM old_finding f
  JOIN object o ON o.source = f.source AND o.mark = mark_of(f.grp, f.kind, f.namespace, f.name, f.file)
  JOIN detail d ON d.source = f.source AND d.mark = mark_of(f.control, f.path, f.accepted);
INSERT INTO finding SELECT source, object, detail, first, head_of(fingerprint), tenant, severity, tail_of(fingerprint, ordinal)
  FROM numbered WHERE gone IS NULL;
INSERT INTO gone SELECT source, object, detail, first, gone, -row_number() OVER (ORDER BY gone DESC), head_of(fingerprint), tenant,
  severity, tail_of(fingerprint, ordinal) FROM numbered WHERE gone IS NOT NULL;
DROP VIEW numbered;
{PLACES_SUMMED}INSERT INTO tally SELECT s.tenant, o.* FROM old_tally o JOIN source s ON s.id = o.source;
INSERT INTO day SELECT s.tenant, o.* FROM old_day o JOIN source s ON s.id = o.source;
INSERT INTO message SELECT s.tenant, o.* FROM old_message o JOIN source s ON s.id = o.source;
INSERT INTO alert SELECT o.id, s.tenant, source, o.kind, since, text, over FROM old_alert o JOIN source s ON s.id = o.source;
INSERT INTO image SELECT o.id, s.tenant, source, digest, content, o.name, o.received, database, o.unread, packages, critical, high,
  exploited FROM old_image o JOIN source s ON s.id = o.source;
INSERT INTO package SELECT o.id, i.tenant, image, type, o.name, short, version FROM old_package o JOIN image i ON i.id = o.image;
INSERT INTO vulnerability SELECT o.id, i.tenant, image, vulnerability, package, version, severity, fixed, o.exploited
  FROM old_vulnerability o JOIN image i ON i.id = o.image;
"""


_WITHOUT_INDEXES = "".join(
    f"DROP INDEX {name};"
    for name in (
        "finding_open",
        "finding_of",
        "finding_control",
        "finding_gone",
        "message_received",
        "alert_source",
        "image_digest",
        "package_name",
        "package_image",
        "vulnerability_id",
        "vulnerability_image",
        "finding_was",
    )
)


def carry_over() -> str:
    """Makes the tables of the last of ``OLD_SQLITE`` into those of now."""
    renamed = "".join(f"ALTER TABLE {name} RENAME TO old_{name};" for name in _RENAMED)
    dropped = "".join(f"DROP TABLE old_{name};" for name in reversed(_RENAMED))
    return f"{renamed}{_WITHOUT_INDEXES}{sqlite_tables()}{_CARRIED}{dropped}"
