-- The tables of schema 4, revision 0004 of the migrations, as SQLAlchemy wrote them.
CREATE TABLE about (
  schema SERIAL NOT NULL,
  PRIMARY KEY (schema)
);
CREATE TABLE account (
  id VARCHAR(40) NOT NULL,
  name VARCHAR(40) NOT NULL,
  role VARCHAR(20) NOT NULL,
  password VARCHAR(200) NOT NULL,
  disabled BOOLEAN NOT NULL,
  valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE attempt (
  id SERIAL NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  issue VARCHAR(80),
  exit_code INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE audit (
  id SERIAL NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  what VARCHAR(40) NOT NULL,
  person VARCHAR(40) NOT NULL,
  address VARCHAR(64) NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX audit_by_time ON audit (at);
CREATE TABLE delivery (
  channel VARCHAR(20) NOT NULL,
  receiver VARCHAR(40) NOT NULL,
  key VARCHAR(200) NOT NULL,
  state VARCHAR(12) NOT NULL,
  issue VARCHAR(80) NOT NULL,
  digest VARCHAR(64) NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  remote JSON NOT NULL,
  attempts INTEGER NOT NULL,
  final BOOLEAN NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (channel, receiver, key)
);
CREATE TABLE draft (
  id VARCHAR(80) NOT NULL,
  model VARCHAR(40) NOT NULL,
  run TIMESTAMP WITH TIME ZONE NOT NULL,
  prepared TIMESTAMP WITH TIME ZONE NOT NULL,
  hour TIMESTAMP WITH TIME ZONE NOT NULL,
  expires TIMESTAMP WITH TIME ZONE NOT NULL,
  state VARCHAR(12) NOT NULL,
  version INTEGER NOT NULL,
  comment JSON NOT NULL,
  lost JSON NOT NULL,
  corrects VARCHAR(80) NOT NULL,
  correction_reason TEXT NOT NULL,
  numbers VARCHAR(64) NOT NULL,
  signature JSON,
  PRIMARY KEY (id)
);
CREATE TABLE fault (
  id SERIAL NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  file VARCHAR(200) NOT NULL,
  line INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE hindcast (
  cycle VARCHAR(60) NOT NULL,
  site VARCHAR(40) NOT NULL,
  phenomenon VARCHAR(40) NOT NULL,
  day VARCHAR(10) NOT NULL,
  model VARCHAR(40) NOT NULL,
  run TIMESTAMP WITH TIME ZONE NOT NULL,
  window_start TIMESTAMP WITH TIME ZONE NOT NULL,
  digest VARCHAR(64) NOT NULL,
  probability FLOAT,
  states JSON NOT NULL,
  values JSON NOT NULL,
  missing JSON NOT NULL,
  PRIMARY KEY (cycle, site, phenomenon, day)
);
CREATE INDEX hindcast_by_event ON hindcast (site, phenomenon, day);
CREATE TABLE issue (
  id VARCHAR(80) NOT NULL,
  number INTEGER NOT NULL,
  model VARCHAR(40) NOT NULL,
  run TIMESTAMP WITH TIME ZONE NOT NULL,
  digest VARCHAR(64) NOT NULL,
  issued TIMESTAMP WITH TIME ZONE NOT NULL,
  valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
  published TIMESTAMP WITH TIME ZONE,
  state VARCHAR(12) DEFAULT 'released' NOT NULL,
  draft VARCHAR(80),
  review JSON,
  PRIMARY KEY (id)
);
CREATE TABLE observation (
  station VARCHAR(24) NOT NULL,
  time TIMESTAMP WITH TIME ZONE NOT NULL,
  form VARCHAR(12) NOT NULL,
  received TIMESTAMP WITH TIME ZONE NOT NULL,
  values JSON NOT NULL,
  flags JSON NOT NULL,
  PRIMARY KEY (station, time, form)
);
CREATE INDEX observation_by_time ON observation (time);
CREATE TABLE outcome (
  site VARCHAR(40) NOT NULL,
  phenomenon VARCHAR(40) NOT NULL,
  day VARCHAR(10) NOT NULL,
  source VARCHAR(12) NOT NULL,
  reporter VARCHAR(60) NOT NULL,
  degree FLOAT,
  vividness FLOAT,
  state VARCHAR(12) NOT NULL,
  amount FLOAT,
  detail TEXT NOT NULL,
  received TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (site, phenomenon, day, source, reporter)
);
CREATE TABLE reading (
  digest VARCHAR(64) NOT NULL,
  name VARCHAR(200) NOT NULL,
  form VARCHAR(12) NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  kept INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  PRIMARY KEY (digest)
);
CREATE TABLE report (
  id VARCHAR(40) NOT NULL,
  link VARCHAR(32) NOT NULL,
  kind VARCHAR(12) NOT NULL,
  reporter VARCHAR(60) NOT NULL,
  site VARCHAR(40) NOT NULL,
  seen TIMESTAMP WITH TIME ZONE NOT NULL,
  received TIMESTAMP WITH TIME ZONE NOT NULL,
  says JSON NOT NULL,
  remark TEXT NOT NULL,
  photo VARCHAR(64),
  state VARCHAR(12) NOT NULL,
  decided_by VARCHAR(40),
  decided_at TIMESTAMP WITH TIME ZONE,
  reason TEXT NOT NULL,
  kept JSON NOT NULL,
  sender VARCHAR(64),
  PRIMARY KEY (id)
);
CREATE INDEX report_by_time ON report (received);
CREATE TABLE report_link (
  id VARCHAR(32) NOT NULL,
  site VARCHAR(40) NOT NULL,
  holder VARCHAR(60) NOT NULL,
  created TIMESTAMP WITH TIME ZONE NOT NULL,
  created_by VARCHAR(40) NOT NULL,
  revoked TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (id)
);
CREATE TABLE transition (
  id SERIAL NOT NULL,
  subject VARCHAR(80) NOT NULL,
  before VARCHAR(12) NOT NULL,
  after VARCHAR(12) NOT NULL,
  person VARCHAR(40) NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX transition_by_subject ON transition (subject);
CREATE TABLE unjudged (
  id SERIAL NOT NULL,
  records INTEGER NOT NULL,
  told JSON NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE edit (
  id SERIAL NOT NULL,
  draft VARCHAR(80) NOT NULL,
  site VARCHAR(40) NOT NULL,
  phenomenon VARCHAR(40) NOT NULL,
  day VARCHAR(10) NOT NULL,
  field VARCHAR(20) NOT NULL,
  value JSON,
  before JSON,
  reason VARCHAR(40) NOT NULL,
  note TEXT NOT NULL,
  person VARCHAR(40) NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  undone_by VARCHAR(40),
  undone_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (id),
  FOREIGN KEY(draft) REFERENCES draft (id)
);
CREATE INDEX edit_by_draft ON edit (draft);
CREATE TABLE forecast (
  issue VARCHAR(80) NOT NULL,
  site VARCHAR(40) NOT NULL,
  phenomenon VARCHAR(40) NOT NULL,
  day VARCHAR(10) NOT NULL,
  window_start TIMESTAMP WITH TIME ZONE NOT NULL,
  window_end TIMESTAMP WITH TIME ZONE NOT NULL,
  probability FLOAT,
  grade INTEGER NOT NULL,
  model VARCHAR(80) NOT NULL,
  said JSON NOT NULL,
  PRIMARY KEY (issue, site, phenomenon, day),
  FOREIGN KEY(issue) REFERENCES issue (id)
);
CREATE INDEX forecast_by_event ON forecast (site, phenomenon, day);
CREATE TABLE receipt (
  issue VARCHAR(80) NOT NULL,
  channel VARCHAR(40) NOT NULL,
  outcome VARCHAR(20) NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (issue, channel),
  FOREIGN KEY(issue) REFERENCES issue (id)
);
CREATE TABLE voice (
  issue VARCHAR(80) NOT NULL,
  site VARCHAR(40) NOT NULL,
  phenomenon VARCHAR(40) NOT NULL,
  day VARCHAR(10) NOT NULL,
  cycle VARCHAR(60) NOT NULL,
  model VARCHAR(40) NOT NULL,
  run TIMESTAMP WITH TIME ZONE NOT NULL,
  members INTEGER NOT NULL,
  probability FLOAT,
  states JSON NOT NULL,
  values JSON NOT NULL,
  missing JSON NOT NULL,
  PRIMARY KEY (issue, site, phenomenon, day, cycle),
  FOREIGN KEY(issue) REFERENCES issue (id)
);
CREATE INDEX voice_by_event ON voice (site, phenomenon, day);
CREATE TABLE alembic_version (
  version_num VARCHAR(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version (version_num) VALUES ('0004');
