//! Carries a driver's requests to a printer: GET only, one connection, deadlines and caps.
//!
//! Who answers is asked first and alone; the rest is asked only when the caller wants the whole report
//! of that printer. Deliberately absent: a method other than GET, credentials, redirects, and any way
//! from TLS back to plain HTTP.

use crate::tls::{Fingerprint, Pin, printer_config};
use drivers::{Accept, Answer, Answers, DRIVERS, Driver, limits};
use report::{Configuration, Defect, Grade, Instant, Report};
use std::sync::Arc;
use std::time::Duration;

/// How long and how gently a printer is asked.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two requests.
    pub pause: Duration,
    /// For a connection.
    pub connect: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// For one answer.
    pub answer: Duration,
    /// For the whole reading; a printer that answers byte by byte ends here.
    pub reading: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            pause: Duration::from_secs(1),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            reading: Duration::from_secs(300),
        }
    }
}

impl Patience {
    /// As usual, with a pause of this many milliseconds.
    pub(crate) fn pausing(pause_ms: u64) -> Patience {
        Patience { pause: Duration::from_millis(pause_ms), ..Patience::default() }
    }
}

/// What a printer said.
#[derive(Debug)]
pub struct Asked {
    /// The driver that could read it.
    pub driver: &'static str,
    /// The report.
    pub report: Report,
    /// Odd data.
    pub defects: Vec<Defect>,
    /// How well it is proved.
    pub grade: Grade,
    /// The certificate that the printer showed.
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// Why a printer was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// It shows another certificate than before.
    #[error(
        "the printer shows another certificate than at the first contact: if that is right, \
         approve it with `plotmeter collector trust {address}` (a direct agent: `plotmeter direct trust`)"
    )]
    Certificate {
        /// The printer's address.
        address: String,
    },
    /// No connection, or no answer that any driver knows.
    #[error("{0}")]
    Unanswered(String),
    /// The TLS set-up failed.
    #[error("prepare TLS")]
    Tls(#[from] rustls::Error),
    /// The client could not be made.
    #[error("prepare the connection")]
    Client(#[from] reqwest::Error),
}

/// Who is asked, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contact<'a> {
    /// `host`, `host:port`, or the same after `http://`.
    pub(crate) address: &'a str,
    /// The certificate that it must show.
    pub(crate) pinned: Option<Fingerprint>,
    /// The instant of the reading.
    pub(crate) read_at: Instant,
    /// How gently.
    pub(crate) patience: Patience,
}

/// How much a printer was asked.
#[derive(Debug)]
pub(crate) enum Told {
    /// Who it is, and nothing else.
    Identity(Identified),
    /// Everything.
    Report(Box<Asked>),
}

/// Who answered.
#[derive(Debug)]
pub(crate) struct Identified {
    /// C rows.
    pub(crate) configuration: Configuration,
    /// The certificate that it showed.
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// Asks the printer at `address` by every driver until one recognises it. The first certificate is trusted.
pub async fn ask(address: &str, read_at: Instant, patience: Patience) -> Result<Asked, String> {
    let contact = Contact { address, pinned: None, read_at, patience };
    match ask_pinned(contact, &|_| true).await {
        Ok(Told::Report(asked)) => Ok(*asked),
        Ok(Told::Identity(_)) => Err("the printer was asked only who it is".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Asks a printer who it is, and for the whole report when `wanted` says so of that printer. With a pin,
/// only over a connection with that certificate.
pub(crate) async fn ask_pinned(
    contact: Contact<'_>,
    wanted: &(dyn Fn(&Configuration) -> bool + Send + Sync),
) -> Result<Told, AskError> {
    let Contact { address, pinned, read_at, patience } = contact;
    let pin = Pin::new(pinned);
    let plain = address.starts_with("http://");
    let grade = if plain { Grade::C } else { Grade::B };
    let base = if plain { address.to_owned() } else { format!("https://{address}") };
    let client = client(&pin, !plain, patience)?;
    let mut reasons = Vec::new();
    for driver in DRIVERS {
        let asking = Asking { client: &client, base: &base, driver, patience };
        let mut answers = Answers::new();
        asking.gather(&mut answers, &driver.identify).await;
        if pin.is_broken() {
            return Err(AskError::Certificate { address: address.to_owned() });
        }
        if !(driver.identify)(&answers) {
            reasons.push(format!("{}: {}", driver.name, reason(&answers)));
            continue;
        }
        let configuration = (driver.read)(&answers, read_at).0.configuration;
        if !wanted(&configuration) {
            return Ok(Told::Identity(Identified { configuration, fingerprint: pin.seen() }));
        }
        asking.gather(&mut answers, &|_| false).await;
        if pin.is_broken() {
            return Err(AskError::Certificate { address: address.to_owned() });
        }
        let (report, defects) = (driver.read)(&answers, read_at);
        let asked = Asked { driver: driver.name, report, defects, grade, fingerprint: pin.seen() };
        return Ok(Told::Report(Box::new(asked)));
    }
    Err(AskError::Unanswered(format!("no driver recognises a printer there ({})", reasons.join("; "))))
}

fn client(pin: &Arc<Pin>, https_only: bool, patience: Patience) -> Result<reqwest::Client, AskError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(printer_config(pin.clone())?)
        .https_only(https_only)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .pool_max_idle_per_host(1)
        .connect_timeout(patience.connect)
        .read_timeout(patience.idle)
        .timeout(patience.answer);
    Ok(builder.build()?)
}

/// Why a driver did not recognise the printer, from the answers it got.
fn reason(answers: &Answers) -> String {
    let words = |(path, answer): (&String, &Answer)| match answer {
        Answer::Body { status, .. } => format!("{path} answered {status}"),
        Answer::Failed(why) => format!("{path} {why}"),
    };
    answers.iter().next().map_or_else(|| "nothing was asked".to_owned(), words)
}

/// A printer while one driver asks it.
struct Asking<'a> {
    client: &'a reqwest::Client,
    base: &'a str,
    driver: &'a Driver,
    patience: Patience,
}

impl Asking<'_> {
    /// Asks until `enough` or until the driver wants nothing more, within the time for a reading.
    async fn gather(&self, answers: &mut Answers, enough: &(dyn Fn(&Answers) -> bool + Send + Sync)) {
        let all = self.gather_all(answers, enough);
        if tokio::time::timeout(self.patience.reading, all).await.is_err() {
            for request in (self.driver.next)(answers) {
                let late = "did not end within the time for one reading".to_owned();
                answers.entry(request.path).or_insert(Answer::Failed(late));
            }
        }
    }

    async fn gather_all(&self, answers: &mut Answers, enough: &(dyn Fn(&Answers) -> bool + Send + Sync)) {
        loop {
            let wanted = (self.driver.next)(answers);
            if wanted.is_empty() || answers.len() >= limits::REQUESTS_MAX {
                return;
            }
            for request in wanted {
                if enough(answers) {
                    return;
                }
                if !answers.is_empty() && !self.patience.pause.is_zero() {
                    tokio::time::sleep(self.patience.pause).await;
                }
                let url = format!("{}{}", self.base, request.path);
                answers.insert(request.path, fetch(self.client, &url, request.accept).await);
            }
        }
    }
}

/// One GET, its body bounded.
async fn fetch(client: &reqwest::Client, url: &str, accept: Accept) -> Answer {
    let accept = match accept {
        Accept::Json => "application/json",
        Accept::Xml => "application/xml, text/xml",
    };
    let failed = |error: &reqwest::Error| Answer::Failed(failure(error).to_owned());
    let mut response = match client.get(url).header("accept", accept).header("accept-language", "en").send().await {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let status = response.status().as_u16();
    let content_type =
        response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limits::BODY_MAX => {
                return Answer::Failed(format!("is longer than {} bytes", limits::BODY_MAX));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Answer::Body { status, content_type, body },
            Err(error) => return failed(&error),
        }
    }
}

/// Why a request failed, in words for a defect. Addresses and causes are left out: they are the LAN's.
fn failure(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() && error.url().is_some_and(|url| url.scheme() == "http") {
        "could not be reached"
    } else if error.is_connect() {
        "could not be reached over HTTPS"
    } else if error.is_body() || error.is_decode() {
        "ended before its stated length"
    } else {
        "did not answer in valid HTTP"
    }
}
