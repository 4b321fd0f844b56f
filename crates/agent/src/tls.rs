//! TLS towards printers (a pinned certificate each) and towards the portal (1.3 only, real authorities).
//!
//! Deliberately absent: any way to go on with a certificate that does not fit, and the reading of
//! certificates beyond the name of who issued one, which is shown to people and decides nothing.

use protocol::{Hex, sha256};
use report::Defect;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// SHA-256 of a certificate.
pub(crate) type Fingerprint = Hex<32>;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Trusts one certificate: the pinned one, or at the first contact whichever the printer shows.
///
/// Printers sign their own certificates, so that no authority can vouch for them; the first contact
/// is trusted, and from then on only the same certificate.
#[derive(Debug)]
pub(crate) struct Pin {
    pinned: Option<Fingerprint>,
    seen: Mutex<Option<Fingerprint>>,
    is_broken: AtomicBool,
    provider: Arc<CryptoProvider>,
}

impl Pin {
    pub(crate) fn new(pinned: Option<Fingerprint>) -> Arc<Pin> {
        Arc::new(Pin { pinned, seen: Mutex::new(None), is_broken: AtomicBool::new(false), provider: provider() })
    }

    /// The certificate that the printer showed first.
    pub(crate) fn seen(&self) -> Option<Fingerprint> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the certificate that the printer shows, in DER; `false` when it is another one than the pinned one or,
    /// without one, than the one that it showed before.
    pub(crate) fn shows(&self, certificate: &[u8]) -> bool {
        let shown = Hex(sha256(&[certificate]));
        let first = *self.seen.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(shown);
        let fits = shown == self.pinned.unwrap_or(first);
        self.is_broken.fetch_or(!fits, Ordering::Relaxed);
        fits
    }

    /// Whether the printer showed another certificate than it must.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.shows(end_entity.as_ref()) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Towards a printer.
pub(crate) fn printer_config(pin: Arc<Pin>) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(pin)
        .with_no_client_auth())
}

/// Towards a printer at the first contact, which takes whichever certificate the printer shows and checks every
/// signature: for measuring what such a handshake costs.
///
/// # Errors
///
/// The TLS library offers none of its own protocol versions.
pub fn first_contact() -> Result<ClientConfig, Error> {
    printer_config(Pin::new(None))
}

/// The authorities that may vouch for the portal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Authorities<'a> {
    /// The one that the enrolment names, instead of the public ones.
    pub(crate) enrolled: Option<&'a str>,
    /// One that the customer's side adds, for a proxy that opens TLS.
    pub(crate) local: Option<&'a str>,
}

fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), Error> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| Error::General(format!("a certificate authority: {error}")))?;
        roots.add(certificate)?;
    }
    if roots.len() > before {
        return Ok(());
    }
    Err(Error::General("a certificate authority: no PEM certificate".to_owned()))
}

impl Authorities<'_> {
    fn base(self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        match self.enrolled {
            Some(pem) => add(&mut roots, pem)?,
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        Ok(roots)
    }

    fn all(self) -> Result<RootCertStore, Error> {
        let mut roots = self.base()?;
        if let Some(pem) = self.local {
            add(&mut roots, pem)?;
        }
        Ok(roots)
    }
}

/// Towards the portal: TLS 1.3 only.
pub(crate) fn portal_config(authorities: Authorities<'_>) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(authorities.all()?)
        .with_no_client_auth())
}

/// Trusts what [`portal_config`] trusts, and remembers what was shown, for `doctor`.
#[derive(Debug)]
pub(crate) struct Observer {
    base: Arc<WebPkiServerVerifier>,
    all: Arc<WebPkiServerVerifier>,
    shown: Mutex<Option<Shown>>,
}

/// The certificate that stood where the portal should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Who issued it, in its own words.
    pub(crate) issuer: String,
    /// Only the authority that the customer's side added vouches for it: a proxy opens TLS.
    pub(crate) inspected: bool,
    /// It is not valid yet, or no longer, by this machine's clock.
    pub(crate) untimely: bool,
}

impl Observer {
    /// An observer and the set-up that uses it.
    pub(crate) fn new(authorities: Authorities<'_>) -> Result<(Arc<Observer>, ClientConfig), Error> {
        let verifier = |roots: RootCertStore| {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
            builder.build().map_err(|error| Error::General(error.to_string()))
        };
        let (base, all) = (verifier(authorities.base()?)?, verifier(authorities.all()?)?);
        let observer = Arc::new(Observer { base, all, shown: Mutex::new(None) });
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(observer.clone())
            .with_no_client_auth();
        Ok((observer, config))
    }

    /// What was shown, if the connection came that far.
    pub(crate) fn shown(&self) -> Option<Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let check = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let (base, all) = (check(&self.base), check(&self.all));
        let issuer = issuer(end_entity.as_ref()).unwrap_or_else(|| "an unnamed authority".to_owned());
        let untimely = all.as_ref().is_err_and(is_untimely);
        let shown = Shown { issuer, inspected: base.is_err() && all.is_ok(), untimely };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        all
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.all.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.all.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.all.supported_verify_schemes()
    }
}

/// Whether a certificate was refused for the time at which it was shown.
fn is_untimely(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        error,
        Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. } | Expired | ExpiredContext { .. })
    )
}

/// Tag, content and what follows, of one DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(*first & 0x7f);
        if count == 0 || count > 3 || rest.len() < count {
            return None;
        }
        let (digits, rest) = rest.split_at(count);
        (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
    };
    (length <= rest.len()).then(|| (*tag, &rest[..length], &rest[length..]))
}

/// The issuer's common name and organisation, for people. It proves nothing.
fn issuer(certificate: &[u8]) -> Option<String> {
    const SEQUENCE: u8 = 0x30;
    let (_, certificate, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut rest, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    // Version (optional), serial number, signature algorithm; then the issuer.
    let (version, _, after) = element(rest)?;
    if version == 0xa0 {
        rest = after;
    }
    let (_, _, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (_, mut names, _) = element(rest).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (mut common, mut organisation) = (None, None);
    while let Some((_, set, after)) = element(names) {
        let (_, pair, _) = element(set)?;
        let (_, kind, value) = element(pair)?;
        let (_, text, _) = element(value)?;
        let text = || Some(Defect::quote(&String::from_utf8_lossy(text)));
        match kind {
            [0x55, 0x04, 0x03] => common = text(),
            [0x55, 0x04, 0x0a] => organisation = text(),
            _ => {}
        }
        names = after;
    }
    match (common, organisation) {
        (Some(common), Some(organisation)) => Some(format!("{common} ({organisation})")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_keeps_to_the_pinned_certificate_or_to_the_one_it_showed_first() {
        let (first, second) = (Hex(sha256(&[b"first"])), Hex(sha256(&[b"second"])));
        for (pinned, shown, fits) in [
            (None, vec![b"first".as_slice()], true),
            (None, vec![b"first".as_slice(), b"first"], true),
            (None, vec![b"first".as_slice(), b"second"], false),
            (Some(first), vec![b"first".as_slice()], true),
            (Some(second), vec![b"first".as_slice()], false),
        ] {
            let pin = Pin::new(pinned);
            let each: Vec<bool> = shown.iter().map(|certificate| pin.shows(certificate)).collect();
            let all = each.into_iter().all(|fits| fits);
            assert_eq!((all, pin.is_broken(), pin.seen()), (fits, !fits, Some(first)), "{shown:?}");
        }
    }

    #[test]
    fn the_issuer_of_a_certificate_is_named() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut parameters = rcgen::CertificateParams::new(vec!["portal.example".to_owned()]).expect("a name");
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "Inspector");
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Example Works");
        let certificate = parameters.self_signed(&key).expect("signed");
        assert_eq!(issuer(certificate.der()).as_deref(), Some("Inspector (Example Works)"));
    }

    #[test]
    fn a_certificate_that_is_not_valid_yet_is_told_from_a_foreign_one() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::new(vec!["portal.example".to_owned()])
            .expect("a name")
            .self_signed(&key)
            .expect("signed");
        let pem = certificate.pem();
        let (own, other) = (Authorities { enrolled: Some(&pem), local: None }, Authorities::default());
        let name = ServerName::try_from("portal.example").expect("a name");
        // The certificates of rcgen begin in 1975.
        let time = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        for (authorities, at, untimely) in [(own, 1, true), (own, 1_793_448_000, false), (other, 1_793_448_000, false)]
        {
            let (observer, _) = Observer::new(authorities).expect("set up");
            let _refused = observer.verify_server_cert(certificate.der(), &[], &name, &[], time(at));
            assert_eq!(observer.shown().map(|shown| shown.untimely), Some(untimely), "{at}");
        }
    }

    #[test]
    fn what_is_no_certificate_names_nobody() {
        let cases: [&[u8]; 5] =
            [&[], &[0x30], &[0x30, 0x84, 1, 1, 1, 1], &[0x30, 0x03, 0x30, 0x05, 0], b"not a certificate"];
        for der in cases {
            assert_eq!(issuer(der), None);
        }
    }

    #[test]
    fn an_authority_that_is_no_certificate_is_refused() {
        let wrong = Authorities { local: Some("no PEM"), ..Authorities::default() };
        assert!(portal_config(wrong).is_err());
        assert!(portal_config(Authorities::default()).is_ok());
    }
}
