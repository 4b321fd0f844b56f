//! What one period leaves to the next, when facts come late: quarters that are billed by the month, periods that
//! were skipped, taxes of two areas, and people who draw up, correct and issue beside each other.

use crate::books::{self, M2, at, month, plain};
use crate::world::{NOW, Tenant, World, both};
use billing::clauses::corrections::{Corrections, Late};
use billing::clauses::payers::{PayerRow, Payers};
use billing::clauses::tax::TaxRule;
use billing::{Allowance, BaseFee, Clause, DocumentKind, Money, Pattern, Period, Reset, Statement, Tax, Terms};
use portal::Portal;
use portal::setup;
use protocol::sender::Sender;
use report::{Instant, Share};

both! {
    what_a_late_job_used_of_a_quarter_is_charged_once_though_no_document_of_its_month_says_so => used;
    a_note_on_a_month_that_is_not_looked_back_at_moves_the_months_after_it => moved;
    a_month_that_was_skipped_is_billed_before_the_one_that_goes_on_with_it => skipped;
    a_month_that_is_drawn_up_late_takes_no_draft_of_a_later_note_away => kept;
    what_arrives_of_a_month_that_is_not_looked_back_at_is_told => far;
    what_was_taxed_in_another_area_is_settled_by_a_note_and_so_is_a_tax_alone => taxed;
    documents_of_payers_go_on_with_each_other_before_they_have_numbers => shared;
    a_note_on_a_statement_of_before_its_number_stood_in_it_proves_itself => old;
    whoever_draws_up_corrects_and_issues_at_the_same_time_nothing_is_charged_twice => beside;
}

const LINES: &str = "area-printed/mono-line";
const DRAFT_NOTES: &str = "select count(*) from statement where kind <> 'statement' and state = 'draft'";
const BILLED: &str = "select cast(sum(net) as bigint) from statement where state in ('issued', 'corrected')";

/// The plain terms, with so many square metres included in a quarter.
fn quarterly(included: i64) -> Terms {
    let mut terms = plain();
    let covers = vec![Pattern::parse(LINES).expect("a pattern")];
    let (included, reset) = (included * M2, Reset::Quarter);
    terms.clauses.insert(0, Clause::Allowance(Allowance { covers, included, reset, ..Allowance::default() }));
    terms
}

/// The same terms, which look one period back.
fn looking_back_once(mut terms: Terms) -> Terms {
    terms.clauses.push(Clause::Corrections(Corrections { late: Late::NextStatement, look_back: 1 }));
    terms
}

/// A contract with one printer, from September on. Each act takes a minute.
struct Books {
    world: World,
    tenant: Tenant,
    sender: Sender,
    contract: i64,
    now: Instant,
}

impl Books {
    /// Opens them after a first job.
    async fn open(world: World, terms: Terms, (finished, metres): (&str, i64)) -> Books {
        let tenant = world.tenant("a").await;
        let sender = world.agent(&tenant).await;
        let mut books = Books { world, tenant, sender, contract: 0, now: NOW };
        books.print(finished, metres).await;
        let start = month(9).start;
        books.contract = books::contract_from(&books.world, &books.tenant, "C-1", terms, start).await;
        books
    }

    fn go_to(&mut self, text: &str) {
        self.now = at(text);
        self.world.set_now(self.now);
    }

    fn tick(&mut self) {
        self.now = Instant(self.now.0 + 60_000);
        self.world.set_now(self.now);
    }

    async fn print(&mut self, finished: &str, metres: i64) {
        self.tick();
        let report = books::printed(7, Instant(self.now.0 - 1_000), &[(finished, metres)]);
        self.world.report(&mut self.sender, &report).await;
    }

    async fn draw(&mut self, period: Period) -> i64 {
        self.tick();
        books::draw(&self.world, &self.tenant, self.contract, period).await
    }

    /// Approves and issues, if it can be; else the words of the refusal.
    async fn try_issue(&mut self, statement: i64) -> Result<(), String> {
        self.tick();
        books::try_issue(&self.world, &self.tenant, statement).await
    }

    async fn issue(&mut self, statement: i64) {
        self.try_issue(statement).await.expect("issued");
    }

    /// Draws up and issues.
    async fn bill(&mut self, period: Period) -> i64 {
        let statement = self.draw(period).await;
        self.issue(statement).await;
        statement
    }

    async fn correct(&mut self, statement: i64) -> Vec<i64> {
        self.tick();
        books::correct(&self.world, &self.tenant, statement).await
    }

    async fn document(&self, statement: i64) -> Statement {
        books::document(&self.world, &self.tenant, statement).await
    }

    /// The lines that settle another period: the number they refer to and the amount.
    async fn settled(&self, statement: i64) -> Vec<(String, i64)> {
        books::settled(&self.document(statement).await)
    }

    async fn bundle(&self, statement: i64) -> Vec<u8> {
        books::bundle(&self.world, &self.tenant, statement).await
    }

    /// What the verdict says of the chain of statements.
    async fn follows(&self, statement: i64, before: i64) -> String {
        let (file, before) = (self.bundle(statement).await, self.bundle(before).await);
        let verdict = evidence::verify(&file, None, Some(&before)).expect("it holds, and follows");
        verdict.proved.into_iter().find(|sentence| sentence.starts_with("It follows")).expect("a sentence")
    }

    async fn draft_note(&self) -> i64 {
        assert_eq!(self.world.count(DRAFT_NOTES).await, 1);
        let only = "select statement_id from statement where kind <> 'statement' and state = 'draft'";
        self.world.count(only).await
    }
}

async fn used(world: World) {
    let terms = looking_back_once(quarterly(1_200));
    let mut books = Books::open(world, terms, ("2026-10-05T08:00:00Z", 500)).await;
    let october = books.bill(month(10)).await;
    books.go_to("2026-12-12T12:00:00Z");
    // Within what is included: no line of October changes, and the quarter has less left.
    books.print("2026-10-20T08:00:00Z", 100).await;
    books.print("2026-11-10T08:00:00Z", 700).await;
    let november = books.bill(month(11)).await;
    assert!(books.settled(november).await.is_empty());
    assert_eq!(books.document(november).await.net, Money(1_400));
    for statement in [november, october] {
        assert_eq!(books.correct(statement).await, Vec::<i64>::new());
    }
    let follows = books.follows(november, october).await;
    // The file holds October's facts as they are known now: what November begins with follows from them.
    assert!(follows.contains("the first period that was rated again begins with what S-0001 says"), "{follows}");
    // December looks back at November alone, which begins with what October left when November was billed.
    books.print("2026-11-12T08:00:00Z", 10).await;
    books.go_to("2027-01-05T12:00:00Z");
    let december = books.bill(month(12)).await;
    assert_eq!(books.settled(december).await, [("S-0002".to_owned(), 140)]);
    assert_eq!(books.world.count(BILLED).await, 1_540);
    let follows = books.follows(december, november).await;
    assert!(follows.contains("begins with what S-0002 says"), "{follows}");
}

async fn moved(world: World) {
    let terms = looking_back_once(quarterly(400));
    let mut books = Books::open(world, terms, ("2026-10-05T08:00:00Z", 300)).await;
    let october = books.bill(month(10)).await;
    books.go_to("2026-12-12T12:00:00Z");
    books.print("2026-11-10T08:00:00Z", 200).await;
    books.bill(month(11)).await;
    books.print("2026-10-20T08:00:00Z", 150).await;
    let notes = books.correct(october).await;
    assert_eq!(notes.len(), 2);
    books.print("2026-11-12T08:00:00Z", 10).await;
    books.go_to("2027-01-05T12:00:00Z");
    // A draft charges nothing: November is looked at with what October left, and its note is drawn up no more.
    let december = books.draw(month(12)).await;
    assert_eq!(books.settled(december).await, [("S-0002".to_owned(), 140)]);
    assert_eq!(books.draft_note().await, notes[0]);
    books.issue(notes[0]).await;
    let refused = books.try_issue(december).await.expect_err("October left something else");
    assert!(refused.contains("leaves something else"), "{refused}");
    let december = books.bill(month(12)).await;
    assert_eq!(books.settled(december).await, [("S-0002".to_owned(), 1_540)]);
    // 660 m², of which 400 are included.
    assert_eq!(books.world.count(BILLED).await, 3_640);
    assert_eq!(books.correct(october).await, Vec::<i64>::new());
}

async fn skipped(world: World) {
    let mut books = Books::open(world, quarterly(1_200), ("2026-10-05T08:00:00Z", 500)).await;
    books.bill(month(10)).await;
    books.go_to("2027-01-05T12:00:00Z");
    books.print("2026-11-10T08:00:00Z", 700).await;
    books.print("2026-12-10T08:00:00Z", 100).await;
    let december = books.draw(month(12)).await;
    assert_eq!(books.document(december).await.net, Money(0));
    let refused = books.try_issue(december).await.expect_err("November was skipped");
    assert!(refused.contains("November 2026 is not billed yet"), "{refused}");
    books.bill(month(11)).await;
    let refused = books.try_issue(december).await.expect_err("it does not know November");
    assert!(refused.contains("leaves something else"), "{refused}");
    let december = books.bill(month(12)).await;
    assert_eq!(books.document(december).await.net, Money(1_400));
}

async fn kept(world: World) {
    let mut books = Books::open(world, plain(), ("2026-09-05T08:00:00Z", 10)).await;
    books.go_to("2027-01-05T12:00:00Z");
    books.print("2026-11-05T08:00:00Z", 10).await;
    books.bill(month(9)).await;
    let november = books.bill(month(11)).await;
    books.print("2026-11-12T08:00:00Z", 30).await;
    let notes = books.correct(november).await;
    books.print("2026-09-06T08:00:00Z", 20).await;
    let october = books.draw(month(10)).await;
    assert_eq!(books.settled(october).await, [("S-0001".to_owned(), 280)]);
    assert_eq!(books.draft_note().await, notes[0]);
    books.issue(notes[0]).await;
    books.issue(october).await;
    assert_eq!(books.world.count(BILLED).await, 140 + 140 + 420 + 280);
}

async fn far(world: World) {
    let mut books = Books::open(world, looking_back_once(plain()), ("2026-09-05T08:00:00Z", 10)).await;
    let september = books.bill(month(9)).await;
    books.bill(month(10)).await;
    books.go_to("2026-12-12T12:00:00Z");
    let told = "select count(*) from statement_event where kind = 'drawn'
        and detail like 'Something of September 2026 arrived since the last statement.%'";
    books.draw(month(11)).await;
    assert_eq!(books.world.count(told).await, 0);
    books.print("2026-09-20T08:00:00Z", 100).await;
    let november = books.draw(month(11)).await;
    assert!(books.settled(november).await.is_empty());
    assert_eq!(books.world.count(told).await, 1);
    let notes = books.correct(september).await;
    assert_eq!(notes.len(), 1);
    books.issue(notes[0]).await;
    let november = books.draw(month(11)).await;
    assert_eq!(books.world.count(told).await, 0);
    books.issue(november).await;
    assert_eq!(books.world.count(BILLED).await, 140 + 1_400);
}

async fn taxed(world: World) {
    let mut terms = plain();
    let rule = TaxRule { area: "NL".to_owned(), rate: Share(90_000), ..TaxRule::default() };
    let tax = Tax { name: "VAT".to_owned(), rate: Share(210_000), rows: vec![rule] };
    terms.clauses.pop();
    terms.clauses.push(Clause::Tax(tax));
    let mut books = Books::open(world, terms, ("2026-10-05T08:00:00Z", 100)).await;
    let site = "insert into site (reseller_id, site_id, customer_id, name, details, created_at)
        select reseller_id, 5, customer_id, 'Rotterdam', '{\"name\":\"Rotterdam\",\"country\":\"NL\"}', 0 from customer;
        insert into printer_site (reseller_id, printer_id, from_at, site_id)
        select reseller_id, printer_id, 0, 5 from printer;";
    books.world.change(site).await;
    let october = books.bill(month(10)).await;
    assert_eq!(books.document(october).await.taxes[0].amount, Money(126));
    books.go_to("2026-12-12T12:00:00Z");
    books.print("2026-10-20T08:00:00Z", 30).await;
    for _ in 0..2 {
        // November's own lines without a printer are taxed elsewhere.
        let november = books.draw(month(11)).await;
        assert!(books.settled(november).await.is_empty());
        let note = books.document(books.draft_note().await).await;
        let taxes: Vec<(i64, i64)> = note.taxes.iter().map(|row| (row.rate.0, row.amount.0)).collect();
        assert_eq!((note.kind, note.net, taxes), (DocumentKind::Debit, Money(420), vec![(90_000, 38)]));
    }
    let note = books.draft_note().await;
    books.issue(note).await;
    // The printer stood somewhere else: no amount differs, and the tax does. The contract is looked at again.
    let elsewhere = "update site set details = replace(details, '\"NL\"', '\"DE\"');
        update contract_version set created_at = 4000000000000;";
    books.world.change(elsewhere).await;
    for _ in 0..2 {
        books.draw(month(11)).await;
        let note = books.document(books.draft_note().await).await;
        assert_eq!((note.net, note.total), (Money(0), Money(382 - 164)));
    }
    let note = books.draft_note().await;
    books.issue(note).await;
    evidence::verify(&books.bundle(note).await, None, None).expect("the note holds");
    assert_eq!(books.correct(october).await, Vec::<i64>::new());
}

async fn shared(world: World) {
    let mut terms = quarterly(400);
    terms.clauses.insert(0, Clause::BaseFee(BaseFee { amount: Money(18_000), ..BaseFee::default() }));
    let row = PayerRow { clause: String::new(), party: "Leasing Bank".to_owned(), share: Share(400_000) };
    let tax = terms.clauses.len() - 1;
    terms.clauses.insert(tax, Clause::Payers(Payers { rows: vec![row] }));
    let mut books = Books::open(world, terms, ("2026-10-05T08:00:00Z", 500)).await;
    books.bill(month(10)).await;
    books.go_to("2027-01-05T12:00:00Z");
    books.print("2026-11-10T08:00:00Z", 100).await;
    let november = books.draw(month(11)).await;
    let (reseller, person) = (books.tenant.reseller.clone(), books.tenant.person);
    let approve = move |portal: &Portal| setup::approve_only(portal, &reseller, november, person).expect("approved");
    books.world.setup(approve).await;
    let december = books.draw(month(12)).await;
    let (reseller, person) = (books.tenant.reseller.clone(), books.tenant.person);
    let issue = move |portal: &Portal| setup::issue(portal, &reseller, november, person).expect("issued");
    assert_eq!(books.world.setup(issue).await, "S-0003");
    books.issue(december).await;
    assert_eq!(books.world.count("select count(*) from statement where state = 'issued'").await, 6);
    books.follows(december, november).await;
}

async fn old(world: World) {
    let mut books = Books::open(world, plain(), ("2026-10-05T08:00:00Z", 100)).await;
    let october = books.bill(month(10)).await;
    // As the version before kept it: the number stood beside the document, and nothing of what it was made from.
    let before = "update statement set document = replace(document, '\"number\":\"S-0001\",', ''), digest = null,
        chain = null; delete from statement_basis;";
    books.world.change(before).await;
    assert_eq!(books.document(october).await.number, None);
    books.print("2026-10-20T08:00:00Z", 30).await;
    let notes = books.correct(october).await;
    assert_eq!(notes.len(), 1);
    books.issue(notes[0]).await;
    let verdict = evidence::verify(&books.bundle(notes[0]).await, None, None).expect("the note holds");
    assert_eq!((verdict.number.as_str(), verdict.total), ("S-0002", Money(508)));
}

async fn beside(world: World) {
    let mut books = Books::open(world, quarterly(400), ("2026-10-05T08:00:00Z", 500)).await;
    let october = books.bill(month(10)).await;
    books.go_to("2027-01-05T12:00:00Z");
    books.print("2026-10-20T08:00:00Z", 100).await;
    books.print("2026-11-10T08:00:00Z", 700).await;
    books.tick();
    let (reseller, person, contract) = (books.tenant.reseller.clone(), books.tenant.person, books.contract);
    let acts = move |portal: &Portal| {
        // What is refused is refused because another was first.
        let draw = || {
            if let Ok(drawn) = setup::statement(portal, &reseller, contract, month(11)) {
                let _ = setup::approve(portal, &reseller, drawn, person);
            }
        };
        let correct = || {
            for note in setup::correct(portal, &reseller, october, person, "Looked again.").unwrap_or_default() {
                let _ = setup::approve(portal, &reseller, note, person);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..3).for_each(|_| draw()));
                scope.spawn(|| (0..3).for_each(|_| correct()));
            }
        });
    };
    books.world.setup(acts).await;
    let start = month(11).start.0;
    let billed = format!("select count(*) from statement where period_start = {start} and state <> 'draft'");
    if books.world.count(&billed).await == 0 {
        books.bill(month(11)).await;
    }
    for note in books.correct(october).await {
        books.issue(note).await;
    }
    // 1 300 m², of which 400 are included.
    assert_eq!(books.world.count(BILLED).await, 12_600);
    assert_eq!(books.correct(october).await, Vec::<i64>::new());
    let held = "select count(*) from statement where state in ('issued', 'corrected')";
    assert_eq!(books.world.count("select max(number) from statement").await, books.world.count(held).await);
}
