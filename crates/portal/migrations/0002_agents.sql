-- Why: agents become products. What they say of themselves, what people ask of them, keys that move on,
-- quarantine, leases between two collectors of a site, alerts that do not wait for a reading, printers
-- that were only seen, and the two further ways of enrolment.

-- What people ask of an agent; ranges and excluded hold one entry a line. printer is the identity of the
-- printer that an agent works in or beside, JSON, '' for a collector.
alter table agent add column kind text not null default 'collector';
alter table agent add column way text not null default 'file';
alter table agent add column ranges text not null default '';
alter table agent add column excluded text not null default '';
alter table agent add column collect bigint not null default 0;
alter table agent add column lease_name text not null default '';
alter table agent add column drop_personal bigint not null default 0;
alter table agent add column printer text not null default '';
create index agent_by_customer on agent (reseller_id, customer_id);

-- The number of the next message that changes anything.
alter table agent_chain add column next_message bigint not null default 1;

-- The secret is the one of the epoch; the one before is kept for a week, for answers to repetitions only.
alter table agent_key add column epoch bigint not null default 0;
alter table agent_key add column previous_secret bytea;
alter table agent_key add column previous_until bigint;

-- Evidence keys after the first, each from a package number on.
create table agent_evidence_key (
    reseller_id bigint not null,
    agent_id text not null,
    from_sequence bigint not null,
    evidence_key bytea not null,
    created_at bigint not null,
    primary key (reseller_id, agent_id, from_sequence)
);

-- What an agent said of itself last. clock_offset is its clock minus the portal's, in milliseconds.
create table agent_beat (
    reseller_id bigint not null,
    agent_id text not null,
    number bigint not null,
    heard_at bigint not null,
    clock_offset bigint not null,
    version text not null,
    settings_version bigint not null,
    interval_minutes bigint not null,
    records_waiting bigint not null,
    packages_waiting bigint not null,
    oldest_waiting bigint,
    spool_bytes bigint not null,
    addresses bigint not null,
    printers bigint not null,
    failed bigint not null,
    paused bigint not null,
    consents text not null,
    troubles text not null,
    privacy text not null,
    primary key (reseller_id, agent_id)
);

-- What happened to an agent, in words, and who did it where a person did.
create table agent_event (
    reseller_id bigint not null,
    event_id bigint not null,
    agent_id text not null,
    at bigint not null,
    kind text not null,
    detail text not null,
    person_id bigint,
    primary key (reseller_id, event_id)
);
create index agent_event_by_agent on agent_event (reseller_id, agent_id, at);

-- Which of several agents of a site reads; taken_at lets one statement judge whether it ran out.
create table lease (
    reseller_id bigint not null,
    customer_id bigint not null,
    name text not null,
    agent_id text not null,
    taken_at bigint not null,
    until_at bigint not null,
    primary key (reseller_id, customer_id, name)
);

-- Alerts that came by their own lane; message is the number of the message that brought one.
create table printer_alert (
    reseller_id bigint not null,
    printer_id bigint not null,
    code text not null,
    since_at bigint not null,
    severity text not null,
    part text,
    text text,
    read_at bigint not null,
    cleared_at bigint,
    agent_id text not null,
    message bigint not null,
    received_at bigint not null,
    primary key (reseller_id, printer_id, code, since_at)
);
create index printer_alert_by_message on printer_alert (reseller_id, agent_id, message);

-- seen: known and not read; participating: read; stopped: a person stopped it.
alter table printer add column participation text not null default 'participating';
alter table printer add column seen_at bigint;
alter table printer add column firmware_version text;
-- listed: only printers that a person marked take part; all: every supported printer that is found.
alter table customer add column participation text not null default 'listed';
-- Rows S1 to S22 as JSON; '' while their section is not here.
alter table printer_state add column status text not null default '';

-- held: 1 in quarantine, receipted and not in the ledger; 2 it did not read when it was released, so that it
-- counts nowhere. receipt_mark names the receipt in later records.
alter table package add column held bigint not null default 0;
alter table package add column receipt_mark bytea;
create index package_by_mark on package (reseller_id, receipt_mark);
create index package_held on package (reseller_id, agent_id, sequence) where held = 1;

-- printer: the printer's own time; receipt: it could not be, so the bounds of its reading date the job.
alter table job add column dated_by text not null default 'printer';
-- late or early: the agent's clock was ahead or behind the bounds, and read_at is the nearer bound.
alter table reading_set add column bounded text not null default '';

-- That somebody waits for an agent's six digits: under one name it is announced once, and gets one session.
-- label is the digest of the name, as the agent tells it too; session_id is null until the agent came.
create table announcement (
    reseller_id bigint not null,
    label bytea not null,
    customer_id bigint not null,
    name text not null,
    created_at bigint not null,
    expires_at bigint not null,
    session_id text,
    primary key (reseller_id, label)
);
create index announcement_by_label on announcement (label);
create index announcement_by_session on announcement (session_id);

-- Enrolment by comparison, before anybody knows whose the agent is. state: open, met (the handshake is
-- done), over (its one try failed, it took too long, or somebody announced the printer again). label is the
-- announced one that the handshake must give too.
create table comparison (
    session_id text primary key,
    label bytea not null,
    commitment bytea not null,
    portal_nonce bytea not null,
    state text not null,
    created_at bigint not null,
    expires_at bigint not null,
    agent_id text,
    agent_nonce bytea,
    evidence_key bytea,
    sealed_secret bytea,
    transcript bytea,
    kind text,
    host text,
    version text,
    printer text
);
create index comparison_by_agent on comparison (agent_id);

-- Printers with a secret from their manufacturer; a reseller claims one by serial number and label.
create table factory_printer (
    label text primary key,
    serial text not null,
    sealed_secret bytea not null,
    reseller_id bigint,
    customer_id bigint,
    claimed_at bigint,
    claimed_by bigint,
    used_at bigint,
    agent_id text
);

-- Jobs of which an agent could keep only the sum, since its disk was full. They are in no usage cell:
-- their sum is shown as an exception. categories is JSON.
create table job_fold (
    reseller_id bigint not null,
    printer_id bigint not null,
    agent_id text not null,
    sequence bigint not null,
    record bigint not null,
    since_at bigint not null,
    until_at bigint not null,
    jobs bigint not null,
    pages bigint not null,
    area_printed bigint not null,
    area_media bigint not null,
    ink bigint not null,
    categories text not null,
    primary key (reseller_id, printer_id, agent_id, sequence, record)
);
