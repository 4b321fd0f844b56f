-- Why: the first schema. One text for SQLite and PostgreSQL: bigint, text and bytea only, ids made
-- by the application, instants as milliseconds since 1970 in UTC, quantities in the integer units
-- of Appendix A. reseller_id leads the key of every tenant table. Facts (package, reading_set,
-- reading, segment, job, job_superseded, contract_version) are inserted and never updated.

-- Global tables: needed before a reseller is known, or small and the same for all.
create table reseller (
    reseller_id bigint primary key,
    name text not null,
    created_at bigint not null
);

create table person (
    person_id bigint primary key,
    email text not null unique,
    name text not null,
    role text not null,
    reseller_id bigint,
    customer_id bigint,
    password_hash text not null,
    created_at bigint not null,
    disabled_at bigint
);
create index person_by_reseller on person (reseller_id, email);

create table session (
    session_hash bytea primary key,
    person_id bigint not null,
    form_token text not null,
    created_at bigint not null,
    seen_at bigint not null,
    expires_at bigint not null
);
create index session_by_person on session (person_id);

create table agent_key (
    agent_id text primary key,
    reseller_id bigint not null,
    customer_id bigint not null,
    evidence_key bytea not null,
    sealed_secret bytea not null,
    transcript bytea not null
);

create table enrolment (
    enrolment_id text primary key,
    reseller_id bigint not null,
    customer_id bigint not null,
    sealed_code bytea not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint,
    agent_id text
);

-- Tenant tables.
create table customer (
    reseller_id bigint not null,
    customer_id bigint not null,
    name text not null,
    site text not null,
    time_zone text not null,
    created_at bigint not null,
    primary key (reseller_id, customer_id)
);

create table agent (
    reseller_id bigint not null,
    agent_id text not null,
    customer_id bigint not null,
    host text not null,
    version text not null,
    state text not null,
    created_at bigint not null,
    settings_version bigint not null,
    interval_minutes bigint not null,
    primary key (reseller_id, agent_id)
);

-- Where an agent's chain stands: moved with each package, apart from what people edit.
create table agent_chain (
    reseller_id bigint not null,
    agent_id text not null,
    next_sequence bigint not null,
    next_record bigint not null,
    head bytea not null,
    seen_at bigint not null,
    primary key (reseller_id, agent_id)
);

-- The compressed bytes exactly as the agent signed them, and the receipt exactly as given.
create table package (
    reseller_id bigint not null,
    agent_id text not null,
    sequence bigint not null,
    digest bytea not null,
    first_record bigint not null,
    last_record bigint not null,
    received_at bigint not null,
    receipt text not null,
    body bytea not null,
    primary key (reseller_id, agent_id, sequence)
);

-- A second package under one sequence number: proof that an agent was copied. Kept, never billed.
create table package_fork (
    reseller_id bigint not null,
    agent_id text not null,
    sequence bigint not null,
    digest bytea not null,
    received_at bigint not null,
    body bytea not null,
    primary key (reseller_id, agent_id, sequence, digest)
);

create table section (
    reseller_id bigint not null,
    digest bytea not null,
    body text not null,
    primary key (reseller_id, digest)
);

create table printer (
    reseller_id bigint not null,
    printer_id bigint not null,
    customer_id bigint not null,
    serial text not null,
    product_number text,
    product_name text,
    nickname text,
    asset_id text,
    first_seen_at bigint not null,
    primary key (reseller_id, printer_id),
    unique (reseller_id, customer_id, serial)
);

-- What the printer said last; its history is in the packages.
create table printer_state (
    reseller_id bigint not null,
    printer_id bigint not null,
    read_at bigint not null,
    received_at bigint not null,
    grade text not null,
    agent_id text not null,
    core text not null,
    severe_alerts bigint not null,
    alerts bigint not null,
    supplies_low bigint not null,
    defects bigint not null,
    primary key (reseller_id, printer_id)
);

-- When a printer was read, and where the proof is.
create table reading_set (
    reseller_id bigint not null,
    printer_id bigint not null,
    read_at bigint not null,
    agent_id text not null,
    sequence bigint not null,
    record bigint not null,
    grade text not null,
    primary key (reseller_id, printer_id, read_at, agent_id)
);

-- A counter reading, kept when its value differs from the one before or opens a segment.
-- media is '' for a meter that is not split by media.
create table reading (
    reseller_id bigint not null,
    printer_id bigint not null,
    meter text not null,
    media text not null,
    read_at bigint not null,
    agent_id text not null,
    segment bigint not null,
    value bigint not null,
    grade text not null,
    sequence bigint not null,
    record bigint not null,
    primary key (reseller_id, printer_id, meter, media, read_at, agent_id)
);

create table segment (
    reseller_id bigint not null,
    printer_id bigint not null,
    meter text not null,
    media text not null,
    segment bigint not null,
    reason text not null,
    opened_at bigint not null,
    value_before bigint,
    value_after bigint not null,
    primary key (reseller_id, printer_id, meter, media, segment)
);

-- The last value of each counter, to tell a change and a decrease without searching readings.
create table counter (
    reseller_id bigint not null,
    printer_id bigint not null,
    meter text not null,
    media text not null,
    segment bigint not null,
    value bigint not null,
    read_at bigint not null,
    primary key (reseller_id, printer_id, meter, media)
);

create table job (
    reseller_id bigint not null,
    printer_id bigint not null,
    job_key text not null,
    version bigint not null,
    finished_at bigint not null,
    read_at bigint not null,
    core_digest bytea not null,
    kind text not null,
    status text not null,
    source text,
    category text,
    media text,
    quality text,
    pages bigint,
    copies bigint,
    area_printed bigint,
    area_media bigint,
    ink bigint,
    name text,
    user_name text,
    account text,
    defects bigint not null,
    grade text not null,
    agent_id text not null,
    sequence bigint not null,
    record bigint not null,
    quantities text not null,
    primary key (reseller_id, printer_id, job_key, version)
);
create index job_by_time on job (reseller_id, finished_at);
create index job_by_printer on job (reseller_id, printer_id, finished_at);

-- A version of a job that a later one replaced.
create table job_superseded (
    reseller_id bigint not null,
    printer_id bigint not null,
    job_key text not null,
    version bigint not null,
    primary key (reseller_id, printer_id, job_key, version)
);

-- Usage cells: moved in the transaction that inserts the job, only by rows really inserted.
-- month is yyyymm in the site's zone.
create table usage (
    reseller_id bigint not null,
    printer_id bigint not null,
    month bigint not null,
    meter text not null,
    media text not null,
    quantity bigint not null,
    primary key (reseller_id, printer_id, month, meter, media)
);

-- Daily totals for charts, without the printer: the grain that keeps them small. day is yyyymmdd.
create table usage_day (
    reseller_id bigint not null,
    customer_id bigint not null,
    day bigint not null,
    meter text not null,
    quantity bigint not null,
    primary key (reseller_id, customer_id, day, meter)
);
create index usage_day_by_day on usage_day (reseller_id, day);

create table contract (
    reseller_id bigint not null,
    contract_id bigint not null,
    customer_id bigint not null,
    number text not null,
    created_at bigint not null,
    primary key (reseller_id, contract_id),
    unique (reseller_id, number)
);

create table contract_version (
    reseller_id bigint not null,
    contract_id bigint not null,
    version bigint not null,
    valid_from bigint not null,
    terms text not null,
    created_at bigint not null,
    person_id bigint not null,
    primary key (reseller_id, contract_id, version)
);

create table contract_printer (
    reseller_id bigint not null,
    contract_id bigint not null,
    printer_id bigint not null,
    from_at bigint not null,
    to_at bigint,
    primary key (reseller_id, contract_id, printer_id, from_at)
);
create index contract_printer_by_printer on contract_printer (reseller_id, printer_id);

create table statement (
    reseller_id bigint not null,
    statement_id bigint not null,
    contract_id bigint not null,
    customer_id bigint not null,
    version bigint not null,
    number bigint,
    period_start bigint not null,
    period_end bigint not null,
    state text not null,
    currency text not null,
    net bigint not null,
    total bigint not null,
    document text not null,
    created_at bigint not null,
    approved_at bigint,
    approved_by bigint,
    primary key (reseller_id, statement_id),
    unique (reseller_id, contract_id, period_start),
    unique (reseller_id, number)
);
