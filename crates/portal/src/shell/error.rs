//! The one error of handlers. The reader never sees a cause; the log does, once, here.

use super::address::encode_path;
use super::page::{ErrorPage, Missing};
use crate::db::DbError;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Why a request has no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such thing, or it is somebody else's.
    #[error("not found")]
    NotFound,
    /// The form's token is missing or of another session.
    #[error("the form is not of this session")]
    Forged,
    /// The request makes no sense; the words say what was wrong and what to do.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be done in the present state; the words say why.
    #[error("{0}")]
    Conflict(String),
    /// It cannot be done before something is entered elsewhere: what, each with the page where it is.
    #[error("{words}")]
    Incomplete {
        /// What cannot be done.
        words: String,
        /// What stands in the way.
        missing: Vec<Missing>,
    },
    /// This build of the program has no such thing; the words say which build has.
    #[error("{0}")]
    NotBuilt(String),
    /// Somebody has to sign in first; then they come back to this address.
    #[error("not signed in")]
    SignIn(String),
    /// Too many tries.
    #[error("too many tries")]
    TooMany,
    /// We failed.
    #[error("the portal failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Error {
        Error::Internal(Box::new(error))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (code, words) = match &self {
            Error::NotFound => (404, None),
            Error::NotBuilt(words) => (404, Some(words.clone())),
            Error::Forged => {
                (403, Some("The form is older than your sign-in. Go back, load the page again, and repeat.".to_owned()))
            }
            Error::Invalid(words) => (400, Some(words.clone())),
            Error::Conflict(words) | Error::Incomplete { words, .. } => (409, Some(words.clone())),
            Error::SignIn(next) => return see_other(&format!("/sign-in?next={}", encode_path(next))),
            Error::TooMany => (429, None),
            Error::Internal(error) => {
                tracing::error!(error = %error, cause = ?error.source(), "a request failed");
                (500, None)
            }
        };
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let missing = if let Error::Incomplete { missing, .. } = self { missing } else { Vec::new() };
        match ErrorPage::new(code, words, None).missing(missing).render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => status.into_response(),
        }
    }
}

/// Renders a page.
pub(crate) fn render(page: &impl Template) -> Result<Response, Error> {
    let html = page.render().map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(Html(html).into_response())
}

/// After a change: shows the page at `address`.
pub(crate) fn see_other(address: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(address) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
