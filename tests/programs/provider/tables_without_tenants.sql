BEGIN TRANSACTION;
CREATE TABLE alert(
      id INTEGER PRIMARY KEY, source INTEGER NOT NULL, kind TEXT NOT NULL, since TEXT NOT NULL, text TEXT NOT NULL,
      over TEXT NOT NULL DEFAULT '');
CREATE TABLE day(
      source INTEGER NOT NULL, day TEXT NOT NULL, severity INTEGER NOT NULL, open INTEGER NOT NULL,
      accepted INTEGER NOT NULL, opened INTEGER NOT NULL, gone INTEGER NOT NULL,
      PRIMARY KEY(source, day, severity)) WITHOUT ROWID;
INSERT INTO "day" VALUES(1,'2027-01-31',0,0,0,0,0);
INSERT INTO "day" VALUES(1,'2027-01-31',1,1,1,5,3);
INSERT INTO "day" VALUES(1,'2027-01-31',2,0,0,0,0);
INSERT INTO "day" VALUES(1,'2027-01-31',3,0,0,0,0);
INSERT INTO "day" VALUES(1,'2027-01-31',4,0,0,0,0);
CREATE TABLE finding(
      id INTEGER PRIMARY KEY, source INTEGER NOT NULL, fingerprint BLOB NOT NULL, ordinal INTEGER NOT NULL,
      control TEXT NOT NULL, severity INTEGER NOT NULL, grp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL,
      name TEXT NOT NULL, file TEXT NOT NULL, path TEXT NOT NULL, accepted TEXT NOT NULL, first TEXT NOT NULL, gone TEXT);
INSERT INTO "finding" VALUES(1,1,X'00000000000000000000000000000001',1,'C-0057',1,'','Pod','shop','pod-1','','','','2027-01-31T10:00:00Z','2027-01-31T11:00:00Z');
INSERT INTO "finding" VALUES(2,1,X'00000000000000000000000000000002',1,'C-0057',1,'','Pod','shop','pod-2','a.yaml','','known','2027-01-31T10:00:00Z',NULL);
INSERT INTO "finding" VALUES(3,1,X'00000000000000000000000000000003',1,'C-0057',1,'','Pod','shop','pod-3','','','','2027-01-31T10:00:00Z','2027-01-31T12:00:00Z');
INSERT INTO "finding" VALUES(4,1,X'00000000000000000000000000000004',1,'C-0057',1,'','Pod','shop','pod-4','','','','2027-01-31T11:00:00Z','2027-01-31T12:00:00Z');
INSERT INTO "finding" VALUES(5,1,X'00000000000000000000000000000005',1,'C-0057',1,'','Pod','shop','pod-5','','spec','','2027-01-31T12:00:00Z',NULL);
CREATE TABLE image(
      id INTEGER PRIMARY KEY, source INTEGER NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL, name TEXT NOT NULL,
      received TEXT NOT NULL, database TEXT NOT NULL, unread INTEGER NOT NULL, packages INTEGER NOT NULL,
      critical INTEGER NOT NULL, high INTEGER NOT NULL, exploited INTEGER NOT NULL, UNIQUE(source, digest));
INSERT INTO "image" VALUES(1,1,'sha256:0000000000000000000000000000000000000000000000000000000000000001','232a08656c105696a27538b999dfe655','registry.example/app:1','2027-01-31T12:00:00Z','2027-01-31',0,1,1,0,1);
CREATE TABLE message(
      source INTEGER NOT NULL, key TEXT NOT NULL, sent TEXT NOT NULL, entry INTEGER NOT NULL, received TEXT NOT NULL,
      opened INTEGER NOT NULL, gone INTEGER NOT NULL, PRIMARY KEY(source, key)) WITHOUT ROWID;
INSERT INTO "message" VALUES(1,'0d4d5a53-b898-4ef0-bd48-c9d02824170d','5810d09c70e982e8172f8ab6bb5a387254a030bc26b5fdd8b31557c3d066e3c2',2,'2027-01-31T12:00:00Z',1,2);
INSERT INTO "message" VALUES(1,'1667a2fe-fda9-4ec3-a7e0-703f79d234c7','3cb1d496c4a157f9349736e119322a4f4f1a5b3350269a97c48c984326b4b4d0',3,'2027-01-31T12:00:00Z',0,0);
INSERT INTO "message" VALUES(1,'26ffb8d5-63dc-408f-9732-f90f60b6b64b','16a900b75b3a05ce2ac5c997c22d1594945af4b69ce8cfc4269c3555d4424de0',0,'2027-01-31T10:00:00Z',3,0);
INSERT INTO "message" VALUES(1,'3bb86a51-e1d7-4e35-a341-bdd09c763692','69532f627dfbd7fd2249a1cde61061aa801ee4b56e6c8c65935a4c16eaf0debb',1,'2027-01-31T11:00:00Z',1,1);
CREATE TABLE package(
      id INTEGER PRIMARY KEY, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, type TEXT NOT NULL,
      name TEXT NOT NULL, short TEXT NOT NULL, version TEXT NOT NULL);
INSERT INTO "package" VALUES(1,1,'maven','org.apache/log4j-core','log4j-core','2.14.1');
CREATE TABLE source(
      id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, created TEXT NOT NULL,
      every INTEGER NOT NULL, entries INTEGER NOT NULL DEFAULT 0, mode TEXT NOT NULL DEFAULT '',
      sequence INTEGER NOT NULL DEFAULT 0, previous TEXT NOT NULL DEFAULT '', received TEXT NOT NULL DEFAULT '',
      program TEXT NOT NULL DEFAULT '', rules TEXT NOT NULL DEFAULT '', objects INTEGER NOT NULL DEFAULT 0,
      judged INTEGER NOT NULL DEFAULT 0, unread INTEGER NOT NULL DEFAULT 0, scope TEXT NOT NULL DEFAULT '', usual_objects INTEGER NOT NULL DEFAULT 0, usual_judged INTEGER NOT NULL DEFAULT 0, usual_unread INTEGER NOT NULL DEFAULT 0, usual_program TEXT NOT NULL DEFAULT '', UNIQUE(tenant, name));
INSERT INTO "source" VALUES(1,'default','shop','cluster','2026-11-29T05:45:54Z',0,4,'report',3,'5810d09c70e982e8172f8ab6bb5a387254a030bc26b5fdd8b31557c3d066e3c2','2027-01-31T12:00:00Z','leadline 1.2.0','',10,50,0,'',10,50,0,'leadline 1.2.0');
INSERT INTO "source" VALUES(2,'default','other','cluster','2026-11-29T05:45:54Z',0,0,'',0,'','','','',0,0,0,'',0,0,0,'');
CREATE TABLE tally(
      source INTEGER NOT NULL, severity INTEGER NOT NULL, open INTEGER NOT NULL, accepted INTEGER NOT NULL,
      PRIMARY KEY(source, severity)) WITHOUT ROWID;
INSERT INTO "tally" VALUES(1,0,0,0);
INSERT INTO "tally" VALUES(1,1,1,1);
INSERT INTO "tally" VALUES(1,2,0,0);
INSERT INTO "tally" VALUES(1,3,0,0);
INSERT INTO "tally" VALUES(1,4,0,0);
CREATE TABLE token(
      digest TEXT PRIMARY KEY, name TEXT NOT NULL, tenant TEXT NOT NULL, source INTEGER REFERENCES source,
      role TEXT NOT NULL, created TEXT NOT NULL, UNIQUE(tenant, name));
INSERT INTO "token" VALUES('10b2e43c7b7746dc110391ee3033d7ce77c9ab5e6eae921e7a911573f3ef90ac','shop','default',1,'write','2026-11-29T05:45:54Z');
INSERT INTO "token" VALUES('4c66b13765527013d0be7badc21ab09a90586781c937b236d3f7b10e1abb0034','other','default',2,'write','2026-11-29T05:45:54Z');
INSERT INTO "token" VALUES('1811d2783bf5e86ce00a032229fb4cfdddfbb10f2f98922e92c5c473c2b96069','wall','default',NULL,'read','2026-11-29T05:45:54Z');
CREATE TABLE vulnerability(
      id INTEGER PRIMARY KEY, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, vulnerability TEXT NOT NULL,
      package TEXT NOT NULL, version TEXT NOT NULL, severity TEXT NOT NULL, fixed TEXT NOT NULL, exploited INTEGER NOT NULL);
INSERT INTO "vulnerability" VALUES(1,1,'CVE-1','org.apache/log4j-core','2.14.1','critical','2.15.0',1);
CREATE UNIQUE INDEX finding_open ON finding(source, fingerprint, ordinal) WHERE gone IS NULL;
CREATE INDEX finding_of ON finding(kind, namespace, name) WHERE gone IS NULL;
CREATE INDEX finding_control ON finding(control, source) WHERE gone IS NULL;
CREATE INDEX finding_gone ON finding(source, gone) WHERE gone IS NOT NULL;
CREATE INDEX message_received ON message(received);
CREATE INDEX alert_source ON alert(source, kind, over);
CREATE INDEX image_digest ON image(digest);
CREATE INDEX package_name ON package(short, version);
CREATE INDEX package_image ON package(image);
CREATE INDEX vulnerability_id ON vulnerability(vulnerability);
CREATE INDEX vulnerability_image ON vulnerability(image);
CREATE INDEX finding_was ON finding(kind, namespace, name) WHERE gone IS NOT NULL;
COMMIT;
