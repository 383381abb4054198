-- The tables of schema 2, the last one without migrations, as SQLAlchemy wrote them.
CREATE TABLE about (
  schema SERIAL NOT NULL,
  PRIMARY KEY (schema)
);
CREATE TABLE attempt (
  id SERIAL NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  issue VARCHAR(80),
  exit_code INTEGER NOT NULL,
  detail TEXT NOT NULL,
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
CREATE TABLE unjudged (
  id SERIAL NOT NULL,
  records INTEGER NOT NULL,
  told JSON NOT NULL,
  PRIMARY KEY (id)
);
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
