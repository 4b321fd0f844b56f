//! TLS towards printers that speak nothing newer than OpenSSL at its lowest security level does: TLS 1.0 on, static
//! RSA, keys of 1024 bits, SHA-1. Behind the feature `legacy-tls`, and only after rustls was refused.
//!
//! The printer's certificate is held against the same pin before a byte is sent or read. Deliberately absent: any use
//! of this towards the portal, and everything without a certificate.

use super::web::Stream;
use crate::tls::Pin;
use tokio::net::TcpStream;

/// Whether this build has it.
pub(super) const IS_BUILT_IN: bool = cfg!(feature = "legacy-tls");

/// Shakes hands; `None` when that fails, when the certificate is not the pinned one, or when this build cannot.
#[cfg(feature = "legacy-tls")]
pub(super) async fn connect(stream: TcpStream, pin: &Pin) -> Option<Box<dyn Stream>> {
    use tokio_openssl::SslStream;
    let mut stream = SslStream::new(client().ok()?, stream).ok()?;
    std::pin::Pin::new(&mut stream).connect().await.ok()?;
    let shown = stream.ssl().peer_certificate()?.to_der().ok()?;
    if pin.shows(&shown) { Some(Box::new(stream)) } else { None }
}

/// Shakes hands; `None` when that fails, when the certificate is not the pinned one, or when this build cannot.
#[cfg(not(feature = "legacy-tls"))]
pub(super) async fn connect(_stream: TcpStream, _pin: &Pin) -> Option<Box<dyn Stream>> {
    None
}

/// A client that takes whatever a printer offers, with a certificate that is looked at afterwards.
#[cfg(feature = "legacy-tls")]
fn client() -> Result<openssl::ssl::Ssl, openssl::error::ErrorStack> {
    use openssl::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslVerifyMode, SslVersion};
    /// `SSL_OP_LEGACY_SERVER_CONNECT`: also to a server that does not know secure renegotiation (RFC 5746).
    const LEGACY_SERVER_CONNECT: SslOptions = SslOptions::from_bits_retain(4);
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    // No suite without a certificate: the pin needs one.
    context.set_cipher_list("DEFAULT:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0")?;
    context.set_min_proto_version(Some(SslVersion::TLS1))?;
    context.set_options(LEGACY_SERVER_CONNECT | SslOptions::NO_RENEGOTIATION);
    // Printers sign their own certificates: the pin is the check.
    context.set_verify(SslVerifyMode::NONE);
    Ssl::new(&context.build())
}
