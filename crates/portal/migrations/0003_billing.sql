-- Why: statements get a life of their own (approved, issued, corrected) with numbers without gaps, what they were made from is kept, and
-- what people know and printers do not (why a counter fell, readings by hand, units, sites, swaps, credits) becomes facts of the ledger.
create table statement_2 (reseller_id bigint not null, statement_id bigint not null, contract_id bigint not null, customer_id bigint not null,
    version bigint not null, kind text not null default 'statement', payer text not null default '', revision bigint not null default 0,
    corrects bigint, number bigint, name text not null default '', period_start bigint not null, period_end bigint not null, state text not null,
    currency text not null, net bigint not null, total bigint not null,
    created_at bigint not null, created_by bigint, approved_at bigint, approved_by bigint, issued_at bigint, issued_by bigint, due_at bigint,
    run_id bigint, digest bytea, chain bytea, document text not null, primary key (reseller_id, statement_id),
    unique (reseller_id, contract_id, period_start, payer, revision), unique (reseller_id, number));
insert into statement_2 (reseller_id, statement_id, contract_id, customer_id, version, number, name, period_start, period_end, state, currency,
    net, total, document, created_at, approved_at, approved_by, issued_at, issued_by)
    select reseller_id, statement_id, contract_id, customer_id, version, number, case when number is null then '' else
        case when number < 10 then 'S-000' when number < 100 then 'S-00' when number < 1000 then 'S-0' else 'S-' end || cast(number as text) end,
        period_start, period_end, case when state = 'approved' then 'issued' else state end, currency, net, total, document, created_at,
        approved_at, approved_by, approved_at, approved_by from statement;
drop table statement;
alter table statement_2 rename to statement;
create index statement_by_period on statement (reseller_id, contract_id, period_start);
create index statement_by_start on statement (reseller_id, period_start);
create index statement_by_state on statement (reseller_id, state, customer_id);
-- The next number of a reseller's documents, taken in the transaction that issues: no gap, no double.
create table numbering (reseller_id bigint not null, next_number bigint not null, primary key (reseller_id));
insert into numbering (reseller_id, next_number) select reseller.reseller_id, coalesce((select max(statement.number) from statement
    where statement.reseller_id = reseller.reseller_id), 0) + 1 from reseller;
-- What a statement was rated from (zstd JSON of evidence::Basis), and what it leaves to the next period; billed: the ids of the documents that
-- it was laid against, with what periods before it left by then; readiness: how each printer stood when it was drawn up (both JSON).
create table statement_basis (reseller_id bigint not null, contract_id bigint not null, period_start bigint not null, revision bigint not null,
    rated_at bigint not null, billed text not null, carry text not null, readiness text not null, basis bytea not null,
    primary key (reseller_id, contract_id, period_start, revision));
create table statement_event (reseller_id bigint not null, event_id bigint not null, statement_id bigint not null, at bigint not null,
    kind text not null, detail text not null, person_id bigint, primary key (reseller_id, event_id));
create index statement_event_by_statement on statement_event (reseller_id, statement_id, at);
-- Drafts that somebody threw away: what they came to, by whom and why. Their events stay.
create table discarded_draft (reseller_id bigint not null, statement_id bigint not null, contract_id bigint not null, customer_id bigint not null,
    kind text not null, payer text not null, period_start bigint not null, period_end bigint not null, currency text not null,
    total bigint not null, created_at bigint not null, discarded_at bigint not null, discarded_by bigint, reason text not null,
    primary key (reseller_id, statement_id));
create index discarded_draft_by_contract on discarded_draft (reseller_id, contract_id, discarded_at);
-- cause: the digest of the state and the reasons that were signed for. What comes later is signed for anew.
create table readiness_sign (reseller_id bigint not null, contract_id bigint not null, period_start bigint not null, revision bigint not null,
    printer_id bigint not null, cause bytea not null, reason text not null, at bigint not null, person_id bigint not null,
    primary key (reseller_id, contract_id, period_start, revision, printer_id, cause));
create table bill_run (reseller_id bigint not null, run_id bigint not null, period text not null, state text not null, started_at bigint not null,
    went_on_at bigint, ended_at bigint, contracts bigint not null, done bigint not null, failed bigint not null, words text not null,
    person_id bigint,
    primary key (reseller_id, run_id));
-- When facts of a printer's month arrived last (any fact, late or not): where a look back at issued periods pays.
create table arrival (reseller_id bigint not null, printer_id bigint not null, month bigint not null, at bigint not null,
    primary key (reseller_id, printer_id, month));
-- What a customer says against an issued document (line: the id of one of its lines; empty: all of it), and what was answered. Kept for good.
create table objection (reseller_id bigint not null, objection_id bigint not null, statement_id bigint not null, line text not null, words text not null,
    at bigint not null, person_id bigint not null, verdict text not null default '', answer text not null default '', answered_at bigint,
    answered_by bigint, primary key (reseller_id, objection_id));
create index objection_by_statement on objection (reseller_id, statement_id);
create index objection_waiting on objection (reseller_id, at) where answered_at is null;
-- Contracts: a version waits for a second person as 'proposed'; 'standing' counts; 'refused' never does.
alter table contract_version add column state text not null default 'standing';
alter table contract_version add column note text not null default '';
create table contract_approval (reseller_id bigint not null, contract_id bigint not null, version bigint not null, person_id bigint not null,
    at bigint not null, verdict text not null, note text not null, primary key (reseller_id, contract_id, version));
-- The first instant after its last day, once a person said that the customer leaves.
alter table contract add column ends_at bigint;
alter table contract_printer add column position_id bigint;
-- When a stay of a contract was begun, ended or taken back, and from when on that changes what its printers are.
create table stay_change (reseller_id bigint not null, contract_id bigint not null, printer_id bigint not null, from_at bigint not null,
    at bigint not null, primary key (reseller_id, contract_id, printer_id, from_at, at));
create table contract_template (reseller_id bigint not null, template_id bigint not null, name text not null, terms text not null,
    created_at bigint not null, person_id bigint not null, primary key (reseller_id, template_id));
create table billing_event (reseller_id bigint not null, event_id bigint not null, contract_id bigint not null, kind text not null,
    start_at bigint not null, end_at bigint not null, details text not null, entered_at bigint not null, person_id bigint,
    withdrawn_at bigint, withdrawn_by bigint, primary key (reseller_id, event_id));
create index billing_event_by_contract on billing_event (reseller_id, contract_id, start_at);
create table index_value (reseller_id bigint not null, name text not null, day text not null, value text not null, entered_at bigint not null,
    person_id bigint not null, primary key (reseller_id, name, day));
-- since_day: the details before were wrong from that day on, so that periods that were billed are looked at with these.
create table party (reseller_id bigint not null, party_id bigint not null, customer_id bigint not null, role text not null, name text not null,
    details text not null, created_at bigint not null, since_day text, primary key (reseller_id, party_id));
-- The parties on the electronic invoices of an issued document, by profile, since the first of each was made: the document's own, and what was not
-- known when it was issued.
create table invoice_party (reseller_id bigint not null, statement_id bigint not null, profile text not null, parties text not null,
    made_at bigint not null, primary key (reseller_id, statement_id, profile));
create table site (reseller_id bigint not null, site_id bigint not null, customer_id bigint not null, name text not null, details text not null,
    created_at bigint not null, primary key (reseller_id, site_id));
create table printer_site (reseller_id bigint not null, printer_id bigint not null, from_at bigint not null, site_id bigint not null,
    entered_at bigint not null default 0, primary key (reseller_id, printer_id, from_at));
create table printer_swap (reseller_id bigint not null, swap_id bigint not null, old_printer_id bigint not null, new_printer_id bigint not null,
    at bigint not null, note text not null, entered_at bigint not null, person_id bigint not null, primary key (reseller_id, swap_id));
-- Ledger truth by people; the latest decision on a break counts, all are kept. person_id null: a rule of the contract decided. since_at: of readings
-- that were too high before a fall, when the first of them was made.
create table segment_decision (reseller_id bigint not null, decision_id bigint not null, printer_id bigint not null, meter text not null,
    media text not null, at bigint not null, reason text not null, counts_from bigint, width bigint, note text not null, decided_at bigint not null,
    person_id bigint, since_at bigint, primary key (reseller_id, decision_id));
create index segment_decision_by_printer on segment_decision (reseller_id, printer_id, at);
create table hand_reading (reseller_id bigint not null, reading_id bigint not null, printer_id bigint not null, meter text not null, media text not null,
    value bigint not null, read_at bigint not null, source text not null, entered_at bigint not null, person_id bigint not null, note text not null,
    odd text not null, withdrawn_at bigint, withdrawn_by bigint, primary key (reseller_id, reading_id));
create index hand_reading_by_printer on hand_reading (reseller_id, printer_id, read_at);
create table estimate (reseller_id bigint not null, estimate_id bigint not null, printer_id bigint not null, meter text not null, media text not null,
    start_at bigint not null, end_at bigint not null, quantity bigint not null, method text not null, basis text not null, made_at bigint not null,
    person_id bigint, withdrawn_at bigint, primary key (reseller_id, estimate_id));
create index estimate_by_printer on estimate (reseller_id, printer_id, start_at);
create table declared_unit (reseller_id bigint not null, declaration_id bigint not null, product_number text not null, firmware text not null,
    row text not null, unit text not null, note text not null, declared_at bigint not null, person_id bigint not null, withdrawn_at bigint,
    withdrawn_by bigint, primary key (reseller_id, declaration_id));
-- Numbers that a printer gave without a unit; subject is 'job' (key, version) or 'reading' (read_at).
create table unitless (reseller_id bigint not null, printer_id bigint not null, subject text not null, key text not null, version bigint not null,
    at bigint not null, row text not null, number text not null, product_number text not null, firmware text not null,
    primary key (reseller_id, printer_id, subject, key, version, at, row));
-- How many of them a printer gave by model, firmware and row, so that a page need not count them.
create table unitless_model (reseller_id bigint not null, printer_id bigint not null, product_number text not null, firmware text not null,
    row text not null, jobs bigint not null, readings bigint not null, latest_at bigint not null,
    primary key (reseller_id, printer_id, product_number, firmware, row));
create table printer_setting (reseller_id bigint not null, printer_id bigint not null, from_at bigint not null, digest bytea not null,
    primary key (reseller_id, printer_id, from_at));
create table parallel_quantity (reseller_id bigint not null, printer_id bigint not null, period text not null, meter text not null, quantity bigint not null,
    entered_at bigint not null, person_id bigint not null, primary key (reseller_id, printer_id, period, meter));
create table printer_cost (reseller_id bigint not null, cost_id bigint not null, printer_id bigint not null, kind text not null, per text not null,
    amount text not null, from_at bigint not null, to_at bigint, entered_at bigint not null, person_id bigint not null,
    primary key (reseller_id, cost_id));
create table reseller_setting (reseller_id bigint not null, name text not null, value text not null, primary key (reseller_id, name));
-- How a reseller shows itself on documents (JSON), and its logo (PNG or JPEG; empty: none), from when on. What was issued keeps what stood then.
create table reseller_brand (reseller_id bigint not null, from_at bigint not null, look text not null, logo bytea not null,
    primary key (reseller_id, from_at));
alter table job add column project text;
alter table job add column non_white bigint;
alter table job add column colour_share bigint;
-- What speaks for what where a counter broke, and the interfaces of the printer that gave it before and after.
alter table segment add column note text not null default '';
alter table segment add column source_before text not null default '';
alter table segment add column source_after text not null default '';
-- When the counter had fallen, where this segment begins with its rise back.
alter table segment add column dip_at bigint;
create index segment_broken on segment (reseller_id, opened_at) where reason in ('decrease', 'interface', 'rise');
-- A counter is the series of one interface of its printer (source); others: the other interfaces that give one of that name, the last one first,
-- with its last value. opened_at, opened_value: the first reading of the open segment; fell_at, fell_from: when it fell, and what it showed before,
-- where it has not come back; jump_from, jump_to: its largest rise in one step since the segment was opened. agent_id: who read it last; bit: that of its row in reading_set.counted.
alter table counter add column source text not null default '';
alter table counter add column opened_at bigint;
alter table counter add column opened_value bigint;
alter table counter add column fell_at bigint;
alter table counter add column fell_from bigint;
alter table counter add column jump_from bigint;
alter table counter add column jump_to bigint;
alter table counter add column agent_id text not null default '';
alter table counter add column bit bigint not null default 0;
alter table counter add column others text not null default '';
alter table counter add column other_value bigint;
alter table counter add column other_at bigint;
create index counter_of_two on counter (reseller_id, printer_id) where others <> '';
-- Which rows of a reading went into the series of their counters, a bit a row (evidence::row_bit), and bit 0 where nothing was put aside; -1: not
-- known. odd: it came late, or by another clock, and contradicts what others read.
alter table reading_set add column counted bigint not null default -1;
alter table reading_set add column odd bigint not null default 0;
-- The interface that gave a reading.
alter table reading add column source text not null default '';
-- Which interface a counter follows from its next reading on, as a person said; the last word counts.
create table counter_source (reseller_id bigint not null, printer_id bigint not null, meter text not null, media text not null,
    said_at bigint not null, source text not null, note text not null, person_id bigint not null,
    primary key (reseller_id, printer_id, meter, media, said_at));
-- The firmware that a printer said last.
alter table printer_state add column firmware text;
update counter set opened_at = (select segment.opened_at from segment where segment.reseller_id = counter.reseller_id
        and segment.printer_id = counter.printer_id and segment.meter = counter.meter
        and segment.media = counter.media and segment.segment = counter.segment),
    opened_value = (select segment.value_after from segment where segment.reseller_id = counter.reseller_id
        and segment.printer_id = counter.printer_id and segment.meter = counter.meter
        and segment.media = counter.media and segment.segment = counter.segment);
create index unitless_by_time on unitless (reseller_id, printer_id, at);
