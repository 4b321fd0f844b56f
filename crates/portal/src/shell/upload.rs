//! Forms with a file: bounded, and only with the token of the sender's session.
//!
//! Deliberately absent: several files of one form, names of files, and files on disk: what is sent is held in
//! memory, and is small.

use super::error::Error;
use super::form::FormData;
use super::session::Signed;
use crate::Portal;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use std::collections::BTreeMap;

/// Bytes of a form with its file. More than any file may have, so that whoever sends a larger one is told so.
const UPLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Characters of the text that stands between the parts of a form.
const BOUNDARY_MAX: usize = 70;

/// A form with a file that somebody signed in sent. `U` is [`super::ResellerUser`] and the like.
pub(crate) struct Uploaded<U> {
    /// Who sent it.
    pub(crate) user: U,
    /// The fields.
    pub(crate) form: FormData,
    /// What is in the file; empty where none was chosen.
    pub(crate) file: Vec<u8>,
}

impl<U> FromRequest<Portal> for Uploaded<U>
where
    U: TryFrom<Signed, Error = Error>,
{
    type Rejection = Error;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let signed = Signed::from_request_parts(&mut parts, portal).await?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let too_long = |_| Error::Invalid(format!("The form is longer than {UPLOAD_BYTES_MAX} bytes."));
        let body = to_bytes(body, UPLOAD_BYTES_MAX).await.map_err(too_long)?;
        let unread = || Error::Invalid("The form with the file cannot be read. Send it again.".to_owned());
        let (form, file) = match boundary(kind) {
            Some(boundary) => parts_of(&body, boundary).ok_or_else(unread)?,
            None => (FormData::parse(&body), Vec::new()),
        };
        if !signed.owns_token(form.text("csrf")) {
            return Err(Error::Forged);
        }
        Ok(Uploaded { user: U::try_from(signed)?, form, file })
    }
}

/// What stands between the parts of a form with files; `None` for a form of another kind.
fn boundary(kind: &str) -> Option<&str> {
    let (kind, said) = kind.split_once(';')?;
    let value = said.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    let is_one = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    (is_one && (1..=BOUNDARY_MAX).contains(&value.len())).then_some(value)
}

/// Reads `multipart/form-data`: the fields, and the file.
fn parts_of(body: &[u8], boundary: &str) -> Option<(FormData, Vec<u8>)> {
    let line = format!("\r\n--{boundary}");
    let (mut fields, mut file) = (BTreeMap::new(), Vec::new());
    // No line ends before the first one.
    let mut rest = body.strip_prefix(line.trim_start().as_bytes())?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (part, after) = halves(part, line.as_bytes())?;
        let (head, content) = halves(part, b"\r\n\r\n")?;
        let (name, is_file) = named(std::str::from_utf8(head).ok()?)?;
        if is_file {
            file = content.to_vec();
        } else {
            fields.insert(name.to_owned(), String::from_utf8_lossy(content).trim().to_owned());
        }
        rest = after;
    }
    rest.starts_with(b"--").then_some((FormData(fields), file))
}

/// What stands before and after `mark`, where it stands first.
fn halves<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}

/// The name of a field, and whether it is a file.
fn named(head: &str) -> Option<(&str, bool)> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, said) = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))?;
    let name = said.split(';').find_map(|part| part.trim().strip_prefix("name=\"")?.strip_suffix('"'))?;
    Some((name, said.split(';').any(|part| part.trim().starts_with("filename"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=\"--x7\"";
    const BODY: &[u8] = b"----x7\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nt0ken\r\n\
        ----x7\r\ncontent-disposition: form-data; name=\"logo\"; filename=\"a; name=b.png\"\r\nContent-Type: \
        image/png\r\n\r\n\x89PNG\r\n\r\n--x\0\r\n----x7\r\nContent-Disposition: form-data; name=\"act\"\r\n\r\n\r\n\
        ----x7--\r\n";

    #[test]
    fn fields_and_the_file_are_told_apart() {
        let (form, file) = parts_of(BODY, boundary(KIND).expect("a boundary")).expect("a form");
        assert_eq!((form.text("csrf"), form.text("act"), form.text("logo")), ("t0ken", "", ""));
        assert_eq!(file, b"\x89PNG\r\n\r\n--x\0");
    }

    #[test]
    fn a_form_that_is_cut_off_is_refused_and_no_form_of_files_is_none() {
        for end in 0..BODY.len() - 4 {
            assert!(parts_of(&BODY[..end], "--x7").is_none(), "{end}");
        }
        for kind in
            ["", "application/x-www-form-urlencoded", "multipart/form-data; boundary=", "text/plain; boundary=x"]
        {
            assert_eq!(boundary(kind), None, "{kind}");
        }
    }
}
