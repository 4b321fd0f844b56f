//! Carries a driver's requests to a printer: GET only, one connection, deadlines and caps.

use crate::tls::{Fingerprint, Pin, printer_config};
use drivers::{Accept, Answer, Answers, DRIVERS, Driver, limits};
use report::{Defect, Grade, Instant, Report};
use std::time::Duration;

/// How long and how gently a printer is asked.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two requests.
    pub pause: Duration,
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
            idle: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            reading: Duration::from_secs(300),
        }
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
         approve it with `plotmeter collector trust {address}`"
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

/// Asks the printer at `address` by every driver until one recognises it. The first certificate is trusted.
pub async fn ask(address: &str, read_at: Instant, patience: Patience) -> Result<Asked, String> {
    ask_pinned(address, None, read_at, patience).await.map_err(|error| error.to_string())
}

/// Asks the printer at `address`; with a pin, only over a connection with that certificate.
pub(crate) async fn ask_pinned(
    address: &str,
    pinned: Option<Fingerprint>,
    read_at: Instant,
    patience: Patience,
) -> Result<Asked, AskError> {
    let pin = Pin::new(pinned);
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(printer_config(pin.clone())?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .pool_max_idle_per_host(1)
        .connect_timeout(patience.idle)
        .read_timeout(patience.idle)
        .timeout(patience.answer)
        .build()?;
    let mut reasons = Vec::new();
    for driver in DRIVERS {
        let mut answers = Answers::new();
        let gathering = gather(&client, address, driver, patience, &mut answers);
        if tokio::time::timeout(patience.reading, gathering).await.is_err() {
            for request in (driver.next)(&answers) {
                let late = "did not end within the time for one reading".to_owned();
                answers.entry(request.path).or_insert(Answer::Failed(late));
            }
        }
        if pin.is_broken() {
            return Err(AskError::Certificate { address: address.to_owned() });
        }
        if (driver.identify)(&answers) {
            let (report, defects) = (driver.read)(&answers, read_at);
            return Ok(Asked { driver: driver.name, report, defects, grade: Grade::B, fingerprint: pin.seen() });
        }
        reasons.push(format!("{}: {}", driver.name, reason(&answers)));
    }
    Err(AskError::Unanswered(format!("no driver recognises a printer there ({})", reasons.join("; "))))
}

/// Why a driver did not recognise the printer, from the answers it got.
fn reason(answers: &Answers) -> String {
    let words = |(path, answer): (&String, &Answer)| match answer {
        Answer::Body { status, .. } => format!("{path} answered {status}"),
        Answer::Failed(why) => format!("{path} {why}"),
    };
    answers.iter().next().map_or_else(|| "nothing was asked".to_owned(), words)
}

/// Asks until the driver wants nothing more.
async fn gather(client: &reqwest::Client, address: &str, driver: &Driver, patience: Patience, answers: &mut Answers) {
    loop {
        let wanted = (driver.next)(answers);
        if wanted.is_empty() || answers.len() >= limits::REQUESTS_MAX {
            return;
        }
        for request in wanted {
            if !answers.is_empty() && !patience.pause.is_zero() {
                tokio::time::sleep(patience.pause).await;
            }
            let url = format!("https://{address}{}", request.path);
            answers.insert(request.path, fetch(client, &url, request.accept).await);
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
    } else if error.is_connect() {
        "could not be reached over HTTPS"
    } else if error.is_body() || error.is_decode() {
        "ended before its stated length"
    } else {
        "did not answer in valid HTTP"
    }
}
