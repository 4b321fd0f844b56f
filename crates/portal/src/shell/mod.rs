//! What every page handler uses: who is signed in, whose data they may see, forms, errors, the frame.

pub(crate) mod address;
pub(crate) mod chart;
mod chrome;
mod error;
mod form;
pub(crate) mod format;
pub(crate) mod page;
pub(crate) mod part;
pub(crate) mod printer;
pub(crate) mod rows;
mod session;
mod tenancy;
mod upload;

pub(crate) use chrome::{chrome, frame};
pub(crate) use error::{Error, render, see_other};
pub(crate) use form::{Answer, FormData, Posted};
pub(crate) use session::{
    CustomerUser, OperatorUser, ResellerUser, SESSION_COOKIE, Signed, cookie, open_session, same_token, session_hash,
};
pub(crate) use tenancy::{ResellerScope, Role};
pub(crate) use upload::Uploaded;

use crate::Portal;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Style sheet, script and mark.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/assets/{file}", get(asset)).route("/healthz", get(|| async { "ok\n" }))
}

async fn asset(uri: Uri) -> Response {
    let Some((content_type, text)) = page::Assets::at(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers =
        [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, text).into_response()
}

/// Headers of every page: nothing from elsewhere, nothing inline, nothing kept by caches.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
