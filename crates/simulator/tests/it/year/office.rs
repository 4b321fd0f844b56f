//! A portal in this process, on real sockets and under the test's clock, with one reseller who works there.
//!
//! Deliberately absent: what is billed and why; that is the year's own.

use portal::config::Settings;
use portal::setup::{self, NewReseller, Role};
use portal::{Db, Portal, PortalKeys, Target};
use protocol::message::AgentKind;
use protocol::receipt::{Answer, Receipt};
use protocol::sender::{Handshake, Request, Sender};
use protocol::signature::SignatureHeaders;
use protocol::{CONFIRM_PATH, ENROL_CONTENT_TYPE, ENROL_PATH, PACKAGES_PATH};
use report::sample::Rng;
use report::{Instant, Surroundings};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

const EMAIL: &str = "billing@reseller.test";
const PASSWORD: &str = "a long pass phrase";

pub(crate) struct Office {
    portal: Portal,
    reseller: Arc<NewReseller>,
    /// Who approves and issues.
    pub(crate) person: i64,
    pub(crate) surroundings: Surroundings,
    pages: String,
    agents: String,
    client: reqwest::Client,
    clock: Arc<AtomicI64>,
    target: Target,
    _folder: tempfile::TempDir,
}

/// The databases to run on: SQLite, and PostgreSQL where `PLOTMETER_TEST_POSTGRES` names a server.
pub(crate) fn postgres() -> Option<Target> {
    let Ok(server) = std::env::var("PLOTMETER_TEST_POSTGRES") else {
        println!("skipped: PLOTMETER_TEST_POSTGRES names no server");
        return None;
    };
    let name = format!("year_{}", std::process::id());
    let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("the test server");
    client.batch_execute(&format!("create database {name}")).expect("a database");
    let mut config: Vec<&str> = server.split(' ').filter(|part| !part.starts_with("dbname=")).collect();
    let dbname = format!("dbname={name}");
    config.push(&dbname);
    Some(Target::Postgres(config.join(" ")))
}

fn surroundings(clock: &Arc<AtomicI64>) -> Surroundings {
    let read = clock.clone();
    let rng = Mutex::new(Rng::new(u64::from(std::process::id())));
    Surroundings {
        clock: Arc::new(move || Instant(read.load(Ordering::Relaxed))),
        entropy: Arc::new(move |bytes| {
            let mut rng = rng.lock().expect("no panic holds it");
            for chunk in bytes.chunks_mut(8) {
                chunk.copy_from_slice(&rng.next_u64().to_le_bytes()[..chunk.len()]);
            }
        }),
    }
}

impl Office {
    /// Opens at `now`; without a target on a SQLite file of its own.
    pub(crate) async fn open(target: Option<Target>, now: Instant) -> Office {
        // The second story of a process finds it installed.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let target = target.unwrap_or_else(|| Target::Sqlite(folder.path().join("portal.sqlite")));
        let clock = Arc::new(AtomicI64::new(now.0));
        let surroundings = surroundings(&clock);
        let agents = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let pages = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let authority = agents.local_addr().expect("bound").to_string();
        let pages_at = format!("http://{}", pages.local_addr().expect("bound"));
        let settings = Settings { agents_authority: authority.clone(), ..Settings::default() };
        let (around, on, key_file) = (surroundings.clone(), target.clone(), folder.path().join("keys.json"));
        let start = move || {
            let db = Db::open(&on).expect("opens and migrates");
            let keys = PortalKeys::load(&key_file, &db, &around).expect("keys");
            let portal = Portal::new(settings, db, keys, around).expect("starts");
            let reseller = setup::reseller(&portal, "Nordplan").expect("a reseller");
            let person =
                setup::person(&portal, Role::Reseller(&reseller), EMAIL, "Ada", PASSWORD).expect("somebody who bills");
            (portal, reseller, person)
        };
        let (portal, reseller, person) = tokio::task::spawn_blocking(start).await.expect("set up");
        let (page_routes, agent_routes) = (portal.pages(), portal.agents_api());
        tokio::spawn(async move { axum::serve(pages, page_routes).await });
        tokio::spawn(async move { axum::serve(agents, agent_routes).await });
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Office {
            portal,
            reseller: Arc::new(reseller),
            person,
            surroundings,
            pages: pages_at,
            agents: format!("http://{authority}"),
            client: client.build().expect("a client"),
            clock,
            target,
            _folder: folder,
        }
    }

    pub(crate) fn set_now(&self, now: Instant) {
        self.clock.store(now.0, Ordering::Relaxed);
    }

    /// Runs what blocks: the portal's functions for set-ups, which are those of its pages.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Portal, &NewReseller) -> T + Send + 'static,
    ) -> T {
        let (portal, reseller) = (self.portal.clone(), self.reseller.clone());
        tokio::task::spawn_blocking(move || work(&portal, &reseller)).await.expect("done")
    }

    /// Rows of two `bigint` columns, straight from the database.
    pub(crate) async fn rows(&self, sql: &'static str) -> Vec<(i64, i64)> {
        let target = self.target.clone();
        let work = move || -> Vec<(i64, i64)> {
            match target {
                Target::Sqlite(path) => {
                    let connection = rusqlite::Connection::open(path).expect("opens");
                    let mut statement = connection.prepare(sql).expect("a query");
                    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
                    rows.map(|row| row.expect("a row")).collect()
                }
                Target::Postgres(config) => {
                    let mut client = postgres::Client::connect(&config, postgres::NoTls).expect("connects");
                    let rows = client.query(sql, &[]).expect("rows");
                    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
                }
            }
        };
        tokio::task::spawn_blocking(work).await.expect("read")
    }

    /// Enrols an agent of a customer through the real handshake.
    pub(crate) async fn enrol(&self, customer: i64, kind: AgentKind) -> Sender {
        let file = self
            .with(move |portal, reseller| setup::enrolment(portal, reseller, customer).expect("an enrolment file"))
            .await;
        let started = Handshake::start_as(&file, kind.word(), kind, None, &self.surroundings);
        let (handshake, message) = started.expect("starts");
        let response = self
            .client
            .post(format!("{}{ENROL_PATH}", self.agents))
            .header("content-type", ENROL_CONTENT_TYPE)
            .header("plotmeter-enrolment", &file.enrolment)
            .body(message)
            .send()
            .await
            .expect("answered");
        assert_eq!(response.status().as_u16(), 200, "the handshake");
        let (_, sender) = handshake.finish(&response.bytes().await.expect("a body")).expect("the portal's answer");
        let confirm = sender.request(CONFIRM_PATH, "enrol", Vec::new(), &self.surroundings);
        let answer = self.exchange(&sender, CONFIRM_PATH, &confirm).await;
        assert!(matches!(answer, Answer::Enrolled { .. }), "{answer:?}");
        sender
    }

    /// Uploads a package and expects its receipt.
    pub(crate) async fn upload(&self, sender: &Sender, package: &[u8]) -> Receipt {
        let request = sender.upload(package, "key", &self.surroundings);
        match self.exchange(sender, PACKAGES_PATH, &request).await {
            Answer::Accepted { receipt, .. } => receipt,
            other => panic!("{other:?}"),
        }
    }

    async fn exchange(&self, sender: &Sender, path: &str, request: &Request) -> Answer {
        let mut builder = self.client.post(format!("{}{path}", self.agents));
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
        let status = response.status().as_u16();
        let body = response.bytes().await.expect("a body");
        let answer = sender.answer(request, status, &headers, &body);
        answer.unwrap_or_else(|| panic!("status {status} without proof: {}", String::from_utf8_lossy(&body)))
    }

    /// Puts a printer into the place of another one from a day on, on the page where people do it.
    pub(crate) async fn swap(&self, old: i64, new: i64, day: &str) {
        let mut browser = Browser { office: self, cookies: BTreeMap::new() };
        let page = browser.send("/sign-in", None).await;
        let known = [("next", "/"), ("email", EMAIL), ("password", PASSWORD)];
        let mut form = vec![("csrf", token(&page))];
        form.extend(known.map(|(name, value)| (name, value.to_owned())));
        browser.post("/sign-in", &form).await;
        let path = format!("/printers/{old}/swap");
        let page = browser.send(&path, None).await;
        let (new, note) = (new.to_string(), "It was worn out.".to_owned());
        let form = [("csrf", token(&page)), ("successor", new), ("at", day.to_owned()), ("note", note)];
        browser.post(&path, &form).await;
    }
}

/// A browser without JavaScript, as far as a form needs one.
struct Browser<'a> {
    office: &'a Office,
    cookies: BTreeMap<String, String>,
}

/// The token of a page's first form.
fn token(html: &str) -> String {
    let (_, rest) = html.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {html}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

impl Browser<'_> {
    /// Posts a form and expects to be sent on.
    async fn post(&mut self, path: &str, fields: &[(&str, String)]) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(if body.is_empty() { "" } else { "&" });
            body.push_str(name);
            body.push('=');
            for byte in value.bytes() {
                match byte {
                    byte if plain(byte) => body.push(char::from(byte)),
                    byte => body.push_str(&format!("%{byte:02X}")),
                }
            }
        }
        self.send(path, Some(body)).await;
    }

    async fn send(&mut self, path: &str, form: Option<String>) -> String {
        let (client, url) = (&self.office.client, format!("{}{path}", self.office.pages));
        let expected = if form.is_some() { 303 } else { 200 };
        let builder = match form {
            Some(form) => client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form),
            None => client.get(url),
        };
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = builder.header("cookie", cookies.join("; ")).send().await.expect("answered");
        for set in response.headers().get_all("set-cookie") {
            let set = set.to_str().expect("text").split(';').next().unwrap_or("");
            if let Some((name, value)) = set.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status().as_u16();
        let text = response.text().await.expect("text");
        assert_eq!(status, expected, "{path}: {text}");
        text
    }
}
