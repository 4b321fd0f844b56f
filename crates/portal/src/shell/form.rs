//! Forms: bounded, and only with the token of the sender's session.

use super::error::{Error, render, see_other};
use super::session::Signed;
use crate::Portal;
use askama::Template;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;

/// Bytes of a form that says nothing else.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// The fields of a form by name, trimmed; a repeated name keeps its last value.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormData(pub(crate) BTreeMap<String, String>);

impl FormData {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(body: &[u8]) -> FormData {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let pair = |pair: &[u8]| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (halves.next().unwrap_or(&[]), halves.next().unwrap_or(&[]));
            (decode(name), decode(value).trim().to_owned())
        };
        FormData(pairs.map(pair).collect())
    }

    /// A field's text; empty when absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A field's whole number.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }
}

fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex: Vec<u8> = rest.by_ref().take(2).copied().collect();
                let two = std::str::from_utf8(&hex).ok().filter(|hex| hex.len() == 2);
                let byte = two.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.push(byte.unwrap_or(b'?'));
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What came of a form that was sent.
pub(crate) enum Answer<P> {
    /// It was done; the page at this address says so.
    Done(String),
    /// Its page again, with what was typed and what is wrong.
    Again(Box<P>),
}

impl<P: Template> Answer<P> {
    /// The answer to whoever sent the form.
    pub(crate) fn respond(self) -> Result<Response, Error> {
        match self {
            Answer::Done(address) => Ok(see_other(&address)),
            Answer::Again(page) => Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&*page)?).into_response()),
        }
    }
}

/// A form of at most `MOST` bytes that somebody signed in sent: who, and the fields. `U` is
/// [`super::ResellerUser`] and the like.
pub(crate) struct Posted<U, const MOST: usize = FORM_BYTES_MAX>(pub(crate) U, pub(crate) FormData);

impl<U, const MOST: usize> FromRequest<Portal> for Posted<U, MOST>
where
    U: TryFrom<Signed, Error = Error>,
{
    type Rejection = Error;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let signed = Signed::from_request_parts(&mut parts, portal).await?;
        let too_long = |_| Error::Invalid(format!("The form is longer than {MOST} bytes."));
        let form = FormData::parse(&to_bytes(body, MOST).await.map_err(too_long)?);
        if !signed.owns_token(form.text("csrf")) {
            return Err(Error::Forged);
        }
        Ok(Posted(U::try_from(signed)?, form))
    }
}

#[cfg(test)]
mod tests {
    use super::FormData;

    #[test]
    fn a_form_is_decoded_and_odd_escapes_do_no_harm() {
        let form = FormData::parse(b"name=B%C3%BCro+Nord&price=+0.14+&odd=%zz%4&empty=&=x");
        assert_eq!(form.text("name"), "Büro Nord");
        assert_eq!(form.text("price"), "0.14");
        assert_eq!(form.text("odd"), "??");
        assert_eq!(form.text("absent"), "");
        assert_eq!(form.int("price"), None);
    }
}
