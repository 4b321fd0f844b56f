//! A portal on real sockets with a database of its own, a browser without JavaScript, and senders.

use portal::config::Settings;
use portal::setup::{self, NewReseller, Role};
use portal::{Db, Portal, PortalKeys, Target};
use protocol::enrol::{EnrolmentFile, Welcome};
use protocol::message::Said;
use protocol::package::{self, Draft, Manner, Split, Timestamps};
use protocol::receipt::{Answer, Problem, Receipt};
use protocol::sender::{Handshake, Request, Sender};
use protocol::signature::SignatureHeaders;
use protocol::{CONFIRM_PATH, ENROL_CONTENT_TYPE, ENROL_PATH, MESSAGES_PATH, PACKAGES_PATH};
use report::sample::{self, Rng};
use report::{Grade, Instant, Job, JobKind, Report, Surroundings};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// 2026-11-22T12:00:00Z: the time of every story unless it moves it.
pub(crate) const NOW: Instant = Instant(1_795_348_800_000);
pub(crate) const PASSWORD: &str = "a long pass phrase";

/// So many minutes after the same time of the day before: what stories date their readings and jobs with.
pub(crate) fn minutes(minutes: i64) -> Instant {
    Instant(NOW.0 - 86_400_000 + minutes * 60_000)
}

/// Runs a story on both databases. `story` is `async fn(World)`.
macro_rules! both {
    ($($(#[$doc:meta])* $name:ident => $story:ident;)*) => { $(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$story($crate::world::World::sqlite().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if let Some(world) = $crate::world::World::postgres().await {
                    super::$story(world).await;
                }
            }
        }
    )* };
}
pub(crate) use both;

pub(crate) struct World {
    pub(crate) portal: Portal,
    pub(crate) pages: String,
    pub(crate) agents: String,
    pub(crate) surroundings: Surroundings,
    clock: Arc<AtomicI64>,
    target: Target,
    folder: Arc<tempfile::TempDir>,
}

/// One process of the portal, whose agents call it `authority`.
async fn process(authority: String, target: Target, around: Surroundings, key_file: std::path::PathBuf) -> Portal {
    let settings = Settings { agents_authority: authority, ..Settings::default() };
    let start = move || {
        let db = Db::open(&target).expect("opens and migrates");
        let keys = PortalKeys::load(&key_file, &db, &around).expect("keys");
        Portal::new(settings, db, keys, around).expect("starts")
    };
    tokio::task::spawn_blocking(start).await.expect("made")
}

static DATABASES: AtomicU64 = AtomicU64::new(0);

impl World {
    pub(crate) async fn sqlite() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let target = Target::Sqlite(folder.path().join("portal.sqlite"));
        World::on(target, folder).await
    }

    /// A new database on the server that `PLOTMETER_TEST_POSTGRES` names.
    pub(crate) async fn postgres() -> Option<World> {
        let Ok(server) = std::env::var("PLOTMETER_TEST_POSTGRES") else {
            println!("skipped: PLOTMETER_TEST_POSTGRES names no server");
            return None;
        };
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("story_{}_{number}", std::process::id());
        let (admin, made) = (server.clone(), name.clone());
        tokio::task::spawn_blocking(move || {
            let mut client = postgres::Client::connect(&admin, postgres::NoTls).expect("the test server");
            client.batch_execute(&format!("create database {made}")).expect("a database");
        })
        .await
        .expect("made");
        let mut config: Vec<&str> = server.split(' ').filter(|part| !part.starts_with("dbname=")).collect();
        let dbname = format!("dbname={name}");
        config.push(&dbname);
        Some(World::on(Target::Postgres(config.join(" ")), tempfile::tempdir().expect("a folder")).await)
    }

    async fn on(target: Target, folder: tempfile::TempDir) -> World {
        // The second story of a process finds it installed.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let clock = Arc::new(AtomicI64::new(NOW.0));
        let read = clock.clone();
        let rng = Mutex::new(Rng::new(u64::from(std::process::id())));
        let surroundings = Surroundings {
            clock: Arc::new(move || Instant(read.load(Ordering::Relaxed))),
            entropy: Arc::new(move |bytes| {
                let mut rng = rng.lock().expect("no panic holds it");
                bytes
                    .chunks_mut(8)
                    .for_each(|chunk| chunk.copy_from_slice(&rng.next_u64().to_le_bytes()[..chunk.len()]));
            }),
        };
        let agents = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let pages = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let authority = agents.local_addr().expect("bound").to_string();
        let key_file = folder.path().join("keys.json");
        let portal = process(authority.clone(), target.clone(), surroundings.clone(), key_file).await;
        let url = format!("http://{}", pages.local_addr().expect("bound"));
        let (page_routes, agent_routes) = (portal.pages(), portal.agents_api());
        tokio::spawn(async move { axum::serve(pages, page_routes).await });
        tokio::spawn(async move { axum::serve(agents, agent_routes).await });
        World {
            portal,
            pages: url,
            agents: format!("http://{authority}"),
            surroundings,
            clock,
            target,
            folder: Arc::new(folder),
        }
    }

    /// A second process of the same portal, on the same database.
    pub(crate) async fn another(&self) -> World {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let agents = format!("http://{}", listener.local_addr().expect("bound"));
        let authority = self.agents.trim_start_matches("http://").to_owned();
        let key_file = self.folder.path().join("keys.json");
        let portal = process(authority, self.target.clone(), self.surroundings.clone(), key_file).await;
        let routes = portal.agents_api();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        World {
            portal,
            pages: self.pages.clone(),
            agents,
            surroundings: self.surroundings.clone(),
            clock: self.clock.clone(),
            target: self.target.clone(),
            folder: self.folder.clone(),
        }
    }

    pub(crate) fn set_now(&self, now: Instant) {
        self.clock.store(now.0, Ordering::Relaxed);
    }

    /// Runs set-up work, which is blocking.
    pub(crate) async fn setup<T: Send + 'static>(&self, work: impl FnOnce(&Portal) -> T + Send + 'static) -> T {
        let portal = self.portal.clone();
        tokio::task::spawn_blocking(move || work(&portal)).await.expect("set up")
    }

    /// What one `bigint` query gives, straight from the database: to prove what was (not) written.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let (target, sql) = (self.target.clone(), sql.to_owned());
        let work = move || match target {
            Target::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).expect("opens");
                connection.query_row(&sql, [], |row| row.get(0)).expect("a number")
            }
            Target::Postgres(config) => {
                let mut client = postgres::Client::connect(&config, postgres::NoTls).expect("connects");
                client.query_one(&sql, &[]).expect("a row").get(0)
            }
        };
        tokio::task::spawn_blocking(work).await.expect("counted")
    }

    /// Changes the database directly, to bring about what takes long or is rare.
    pub(crate) async fn change(&self, sql: &str) {
        let (target, sql) = (self.target.clone(), sql.to_owned());
        let work = move || match target {
            Target::Sqlite(path) => {
                rusqlite::Connection::open(path).expect("opens").execute_batch(&sql).expect("changed");
            }
            Target::Postgres(config) => {
                let mut client = postgres::Client::connect(&config, postgres::NoTls).expect("connects");
                client.batch_execute(&sql).expect("changed");
            }
        };
        tokio::task::spawn_blocking(work).await.expect("changed");
    }

    /// A reseller with a customer and somebody of each who can sign in.
    pub(crate) async fn tenant(&self, name: &'static str) -> Tenant {
        let tenant = self
            .setup(move |portal| {
                let reseller = setup::reseller(portal, name).expect("a reseller");
                let customer = setup::customer(portal, &reseller, "Kessler Architekten", "Köln", "Europe/Berlin")
                    .expect("a customer");
                let (of_reseller, of_customer) = (format!("{name}@reseller.test"), format!("{name}@customer.test"));
                let person =
                    setup::person(portal, Role::Reseller(&reseller), &of_reseller, "Ada", PASSWORD).expect("a person");
                setup::person(portal, Role::Customer(&reseller, customer), &of_customer, "Kim", PASSWORD)
                    .expect("a person");
                (reseller, customer, person)
            })
            .await;
        let (reseller, customer, person) = tenant;
        Tenant { name, reseller: Arc::new(reseller), customer, person }
    }

    /// Enrols an agent of a tenant's customer through the real handshake.
    pub(crate) async fn agent(&self, tenant: &Tenant) -> Sender {
        self.enrolled(tenant).await.1
    }

    /// The same, with what the portal said to it.
    pub(crate) async fn enrolled(&self, tenant: &Tenant) -> (Welcome, Sender) {
        let file = self.enrolment(tenant).await;
        let (handshake, message) = Handshake::start(&file, "pc-7", &self.surroundings).expect("starts");
        let (status, body) = self.handshake(&file, message).await;
        assert_eq!(status, 200);
        let (welcome, sender) = handshake.finish(&body).expect("the portal's answer");
        assert_eq!(welcome.customer, "Kessler Architekten");
        let answer = self.confirm(&sender).await;
        assert!(matches!(answer, Answer::Enrolled { .. }), "{answer:?}");
        (welcome, sender)
    }

    /// Says that the account was confirmed.
    pub(crate) async fn confirm(&self, sender: &Sender) -> Answer {
        let confirm = sender.request(CONFIRM_PATH, "enrol", Vec::new(), &self.surroundings);
        let (status, answer) = self.exchange(sender, CONFIRM_PATH, &confirm).await;
        answer.unwrap_or_else(|| panic!("status {status} without proof"))
    }

    pub(crate) async fn enrolment(&self, tenant: &Tenant) -> EnrolmentFile {
        let (reseller, customer) = (tenant.reseller.clone(), tenant.customer);
        self.setup(move |portal| setup::enrolment(portal, &reseller, customer).expect("a file")).await
    }

    pub(crate) async fn handshake(&self, file: &EnrolmentFile, message: Vec<u8>) -> (u16, Vec<u8>) {
        self.shake(&file.enrolment, message).await
    }

    /// Posts a handshake under what `plotmeter-enrolment` names.
    pub(crate) async fn shake(&self, enrolment: &str, message: Vec<u8>) -> (u16, Vec<u8>) {
        let response = reqwest::Client::new()
            .post(format!("{}{ENROL_PATH}", self.agents))
            .header("content-type", ENROL_CONTENT_TYPE)
            .header("plotmeter-enrolment", enrolment)
            .body(message)
            .send()
            .await
            .expect("answered");
        (response.status().as_u16(), response.bytes().await.expect("a body").to_vec())
    }

    /// Posts a request; gives the status and, when it proves to be the portal's, the answer.
    pub(crate) async fn exchange(&self, sender: &Sender, path: &str, request: &Request) -> (u16, Option<Answer>) {
        let (status, headers, body) = self.post(path, request).await;
        let answer = sender.answer(request, status, &headers, &body);
        (status, answer)
    }

    pub(crate) async fn post(&self, path: &str, request: &Request) -> (u16, SignatureHeaders, Vec<u8>) {
        let mut builder = client().post(format!("{}{path}", self.agents));
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let response = builder.body(request.body.clone()).send().await.expect("answered");
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or("").to_owned()
        };
        let headers = SignatureHeaders {
            content_digest: header("content-digest"),
            signature_input: header("signature-input"),
            signature: header("signature"),
        };
        (response.status().as_u16(), headers, response.bytes().await.expect("a body").to_vec())
    }

    /// Packs a report, uploads it and expects a receipt.
    pub(crate) async fn report(&self, sender: &mut Sender, report: &Report) -> Answer {
        let compressed = pack(sender, report, &self.surroundings);
        self.upload(sender, &compressed).await
    }

    pub(crate) async fn upload(&self, sender: &Sender, compressed: &[u8]) -> Answer {
        let request = sender.upload(compressed, "key", &self.surroundings);
        let (status, answer) = self.exchange(sender, PACKAGES_PATH, &request).await;
        answer.unwrap_or_else(|| panic!("status {status} without proof"))
    }

    /// Says a message and expects a proved answer.
    pub(crate) async fn say(&self, sender: &mut Sender, said: Said) -> Answer {
        let request = sender.message(said, &self.surroundings);
        self.sent(sender, &request).await
    }

    /// Posts a message that was made already.
    pub(crate) async fn sent(&self, sender: &Sender, request: &Request) -> Answer {
        let (status, answer) = self.exchange(sender, MESSAGES_PATH, request).await;
        answer.unwrap_or_else(|| panic!("status {status} without proof"))
    }

    pub(crate) async fn browser(&self, email: &str) -> Browser {
        let mut browser = Browser { base: self.pages.clone(), cookies: BTreeMap::new() };
        let page = browser.get("/sign-in").await;
        let form = [
            ("csrf", token(&page.text)),
            ("next", "/".to_owned()),
            ("email", email.to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        let page = browser.post("/sign-in", &form).await;
        assert_eq!(page.status, 303, "sign-in of {email}: {}", page.text);
        browser
    }
}

/// One client for all requests to agents' addresses, so that connections are kept.
fn client() -> &'static reqwest::Client {
    static CLIENT: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
    CLIENT.get_or_init(|| reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client"))
}

pub(crate) struct Tenant {
    pub(crate) name: &'static str,
    pub(crate) reseller: Arc<NewReseller>,
    pub(crate) customer: i64,
    pub(crate) person: i64,
}

impl Tenant {
    pub(crate) fn reseller_email(&self) -> String {
        format!("{}@reseller.test", self.name)
    }
    pub(crate) fn customer_email(&self) -> String {
        format!("{}@customer.test", self.name)
    }
}

/// Another customer of the same reseller; gives the address by which somebody of it signs in.
pub(crate) async fn another_customer(world: &World, tenant: &Tenant) -> String {
    let (reseller, email) = (tenant.reseller.clone(), format!("beside-{}@customer.test", tenant.name));
    let made = email.clone();
    let make = move |portal: &Portal| {
        let customer = setup::customer(portal, &reseller, "Bau Nord", "Kiel", "Europe/Berlin").expect("a customer");
        setup::person(portal, Role::Customer(&reseller, customer), &made, "Lee", PASSWORD).expect("a person");
    };
    world.setup(make).await;
    email
}

/// The receipt of a package that was accepted.
pub(crate) fn receipt(answer: Answer) -> Receipt {
    match answer {
        Answer::Accepted { receipt, .. } => receipt,
        other => panic!("{other:?}"),
    }
}

/// The kind of a problem, one word.
pub(crate) fn kind(problem: &Problem) -> &str {
    problem.kind.rsplit('/').next().unwrap_or("")
}

/// The kind of problem for which a request was refused.
pub(crate) fn problem(answer: Answer) -> String {
    match answer {
        Answer::Refused(problem) => kind(&problem).to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Grade B, the printer's own seconds, no receipt seen.
pub(crate) const PLAIN: Manner = Manner { grade: Grade::B, seen: None, timestamps: Timestamps::Second };

/// The compressed bytes of the next package of `sender` with `report` in it.
pub(crate) fn pack(sender: &mut Sender, report: &Report, surroundings: &Surroundings) -> Vec<u8> {
    pack_in(sender, report, PLAIN, surroundings)
}

/// The same, in another manner.
pub(crate) fn pack_in(sender: &mut Sender, report: &Report, manner: Manner, surroundings: &Surroundings) -> Vec<u8> {
    let Split { reading, jobs, sections, .. } =
        package::records(report, &[], manner).expect("the report names a printer");
    let drafts: Vec<&Draft> = std::iter::once(&reading).chain(jobs.iter().map(|(_, draft)| draft)).collect();
    sender.pack(&drafts, &sections, surroundings)
}

/// A report of the printer of `seed` with `count` print jobs that finished at the given instants.
pub(crate) fn report(seed: u64, read_at: Instant, finished: &[Instant]) -> Report {
    let mut report = sample::report(seed);
    report.read_at = read_at;
    let mut rng = Rng::new(seed ^ u64::try_from(read_at.0).expect("after 1970"));
    report.jobs = finished.iter().map(|at| (job(&mut rng, *at), Vec::new())).collect();
    report
}

pub(crate) fn job(rng: &mut Rng, finished: Instant) -> Job {
    let mut job = sample::job(rng, JobKind::Print);
    if let Some(print) = &mut job.print {
        let time = print.time_to_print.expect("a sample has it");
        print.printed_at = Some(Instant(finished.0 - time.0));
    }
    job
}

/// A browser without JavaScript: cookies, forms, redirects seen.
#[derive(Clone)]
pub(crate) struct Browser {
    base: String,
    cookies: BTreeMap<String, String>,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) text: String,
}

/// What a link to a file gives.
pub(crate) struct File {
    pub(crate) status: u16,
    /// The content type.
    pub(crate) kind: String,
    /// Empty for what is no file.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The token of the page's first form.
pub(crate) fn token(html: &str) -> String {
    between(html, "name=\"csrf\" value=\"", "\"").unwrap_or_default().to_owned()
}

/// The text after `before` up to `after`.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let end = text[start..].find(after)? + start;
    Some(&text[start..end])
}

impl Browser {
    pub(crate) fn anonymous(world: &World) -> Browser {
        Browser { base: world.pages.clone(), cookies: BTreeMap::new() }
    }

    async fn send(&mut self, builder: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = builder.header("cookie", cookies.join("; ")).send().await.expect("answered");
        for set in response.headers().get_all("set-cookie") {
            let set = set.to_str().expect("text").split(';').next().unwrap_or("");
            if let Some((name, value)) = set.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status().as_u16();
        let location =
            response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        Page { status, location, text: response.text().await.expect("text") }
    }

    fn client() -> reqwest::Client {
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let builder = Browser::client().get(format!("{}{path}", self.base));
        self.send(builder).await
    }

    /// A file: what it is, what it is called, and its bytes.
    pub(crate) async fn file(&self, path: &str) -> File {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Browser::client().get(format!("{}{path}", self.base)).header("cookie", cookies.join("; "));
        let response = request.send().await.expect("answered");
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or("").to_owned()
        };
        let (status, kind, disposition) =
            (response.status().as_u16(), header("content-type"), header("content-disposition"));
        let name = between(&disposition, "attachment; filename=\"", "\"").unwrap_or("").to_owned();
        File { status, kind, name, bytes: response.bytes().await.expect("a body").to_vec() }
    }

    /// Posts form fields as they are.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, String)]) -> Page {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let encode = |text: &str| -> String {
            text.bytes()
                .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
                .collect()
        };
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let builder = Browser::client()
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"));
        self.send(builder).await
    }

    /// Posts form fields and a file called `logo`, as a browser sends them.
    pub(crate) async fn upload(&mut self, path: &str, fields: &[(&str, String)], file: &[u8]) -> Page {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = "--b0\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"a\"\r\nContent-Type: x/y\r\n\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b0--\r\n");
        let builder = Browser::client()
            .post(format!("{}{path}", self.base))
            .header("content-type", "multipart/form-data; boundary=b0")
            .body(body);
        self.send(builder).await
    }
}
