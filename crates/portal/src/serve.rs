//! Sockets: pages over HTTP (behind a proxy, or on loopback), agents over TLS 1.3.

use crate::Portal;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// A certificate chain and its key, PEM.
pub struct Tls {
    /// The chain.
    pub certificates: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

/// The portal cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A socket.
    #[error("serve")]
    Io(#[from] io::Error),
    /// The certificate or its key.
    #[error("the certificate for agents cannot be used: {0}")]
    Tls(String),
}

/// Sockets that are bound already, so that their addresses are known.
pub struct Listeners {
    /// For people.
    pub pages: TcpListener,
    /// For agents.
    pub agents: TcpListener,
}

impl Listeners {
    /// Binds both.
    pub fn bind(pages: SocketAddr, agents: SocketAddr) -> io::Result<Listeners> {
        Ok(Listeners { pages: TcpListener::bind(pages)?, agents: TcpListener::bind(agents)? })
    }
}

fn tls_config(tls: &Tls) -> Result<rustls::ServerConfig, ServeError> {
    let wrong = |error: &dyn std::fmt::Display| ServeError::Tls(error.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&tls.certificates).collect();
    let chain = chain.map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_slice(&tls.key).map_err(|error| wrong(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| wrong(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key);
    config.map_err(|error| wrong(&error))
}

/// Serves until `stop` is ready; requests under way are ended first.
pub async fn serve(
    portal: &Portal,
    listeners: Listeners,
    tls: &Tls,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let config = RustlsConfig::from_config(Arc::new(tls_config(tls)?));
    let (pages, agents) = (Handle::new(), Handle::new());
    listeners.pages.set_nonblocking(true)?;
    listeners.agents.set_nonblocking(true)?;
    let serve_pages =
        axum_server::from_tcp(listeners.pages)?.handle(pages.clone()).serve(portal.pages().into_make_service());
    let serve_agents = axum_server::from_tcp_rustls(listeners.agents, config)?
        .handle(agents.clone())
        .serve(portal.agents_api().into_make_service());
    let stopped = async {
        stop.await;
        for handle in [pages, agents] {
            handle.graceful_shutdown(Some(Duration::from_secs(5)));
        }
        Ok(())
    };
    tokio::try_join!(serve_pages, serve_agents, stopped)?;
    Ok(())
}
