//! Signing in and out.
//!
//! There is no session yet while somebody signs in, so the form's token is also a cookie, and both must
//! be the same. Deliberately absent: telling whether it was the address or the password that was wrong,
//! in words or in time.

use super::page::{SignInPage, sign_in_fields};
use super::password::{internal, verify};
use super::{EMAIL_MAX, store};
use crate::Portal;
use crate::db::DbError;
use crate::shell::page::Fact;
use crate::shell::{
    Error, FormData, Posted, Role, SESSION_COOKIE, Signed, cookie, frame, open_session, render, same_token, see_other,
    session_hash,
};
use axum::body::to_bytes;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::Hex;
use std::collections::BTreeMap;

/// The cookie that repeats the sign-in form's token.
const FORM_COOKIE: &str = "plotmeter_form";
/// Bytes of the form.
const FORM_BYTES_MAX: usize = 16 * 1024;
/// Browsers keep the form's cookie for an hour, the session's for the 30 days that one lasts at most, in seconds.
const FORM_SECONDS: u32 = 3600;
const SESSION_SECONDS: u32 = 30 * 24 * 3600;
/// What is said whatever was wrong.
const WRONG: &str = "Email and password do not fit together.";

/// `GET /sign-in?next=/printers`.
pub(super) async fn form(
    State(portal): State<Portal>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let next = query.get("next").map_or("", String::as_str);
    page(&portal, &headers, next, "", None)
}

/// The form, with the token in it and in a cookie. A token that the browser has is used again, so that
/// the form works in two tabs.
fn page(portal: &Portal, headers: &HeaderMap, next: &str, email: &str, wrong: Option<&str>) -> Result<Response, Error> {
    let known = cookie(headers, FORM_COOKIE).filter(|token| token.parse::<Hex<16>>().is_ok());
    let csrf = known.unwrap_or_else(|| Hex(portal.surroundings().random::<16>()).to_string());
    let rest = format!("Path=/sign-in; SameSite=Strict; Max-Age={FORM_SECONDS}");
    let set_cookie = set_cookie(headers, FORM_COOKIE, &csrf, &rest)?;
    let accounts = portal.config().demo_accounts.iter();
    let shown = SignInPage {
        frame: frame(portal, "Sign in"),
        wrong: wrong.map(str::to_owned),
        csrf,
        next: if is_local(next) { next.to_owned() } else { "/".to_owned() },
        fields: sign_in_fields(email),
        demo_accounts: accounts.map(|(role, email, word)| Fact::new(role, format!("{email} / {word}"))).collect(),
    };
    let mut response = render(&shown)?;
    response.headers_mut().append(header::SET_COOKIE, set_cookie);
    Ok(response)
}

/// `POST /sign-in`.
pub(super) async fn sign_in(State(portal): State<Portal>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let too_long = |_| Error::Invalid(format!("The form is longer than {FORM_BYTES_MAX} bytes."));
    let form = FormData::parse(&to_bytes(body, FORM_BYTES_MAX).await.map_err(too_long)?);
    let token = cookie(&parts.headers, FORM_COOKIE).unwrap_or_default();
    if token.is_empty() || !same_token(&token, form.text("csrf")) {
        return Err(Error::Forged);
    }
    let email: String = form.text("email").to_lowercase();
    // An address that cannot be one is a try of nobody.
    let wanted = if email.len() <= EMAIL_MAX { email.clone() } else { String::new() };
    let now = portal.surroundings().now();
    if !portal.tries().take(&wanted, now) {
        tracing::warn!("refused a sign-in: too many tries");
        return Err(Error::TooMany);
    }
    let looked_up = wanted.clone();
    let found = portal.db().read(move |tx| store::find(tx, &looked_up)).await?;
    let stored = found.as_ref().map(|person| person.password_hash.clone());
    let right = verify(form.text("password").to_owned(), stored).await?;
    let Some(person) = found.filter(|_| right) else {
        tracing::info!("refused a sign-in");
        let page = page(&portal, &parts.headers, form.text("next"), &email, Some(WRONG))?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    portal.tries().succeeded(&wanted);
    let home = home(&person.role, form.text("next"));
    open(&portal, &parts.headers, person.person_id, home).await
}

/// Opens a session for `person_id` and sends them to `home`.
async fn open(portal: &Portal, headers: &HeaderMap, person_id: i64, home: &str) -> Result<Response, Error> {
    let surroundings = portal.surroundings().clone();
    let id = portal.db().write(move |tx| -> Result<String, DbError> {
        store::forget_sessions(tx, person_id, surroundings.now())?;
        open_session(tx, person_id, &surroundings)
    });
    let rest = format!("Path=/; SameSite=Lax; Max-Age={SESSION_SECONDS}");
    let session = set_cookie(headers, SESSION_COOKIE, &id.await?, &rest)?;
    let form = set_cookie(headers, FORM_COOKIE, "", "Path=/sign-in; SameSite=Strict; Max-Age=0")?;
    tracing::info!(person.id = person_id, "signed in");
    let mut response = see_other(home);
    response.headers_mut().append(header::SET_COOKIE, session);
    response.headers_mut().append(header::SET_COOKIE, form);
    Ok(response)
}

/// Anybody who is signed in.
pub(super) struct Anybody;

impl TryFrom<Signed> for Anybody {
    type Error = Error;

    fn try_from(_: Signed) -> Result<Anybody, Error> {
        Ok(Anybody)
    }
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    State(portal): State<Portal>,
    headers: HeaderMap,
    Posted(Anybody, _): Posted<Anybody>,
) -> Result<Response, Error> {
    let hash = session_hash(&cookie(&headers, SESSION_COOKIE).unwrap_or_default());
    let now = portal.surroundings().now();
    portal.db().write(move |tx| store::end_session(tx, &hash, now)).await?;
    let ended = set_cookie(&headers, SESSION_COOKIE, "", "Path=/; SameSite=Lax; Max-Age=0")?;
    let mut response = see_other("/sign-in");
    response.headers_mut().append(header::SET_COOKIE, ended);
    Ok(response)
}

/// Where somebody goes who signed in: where they wanted to, else to their role's first page.
fn home<'a>(role: &str, next: &'a str) -> &'a str {
    if is_local(next) && next != "/" {
        return next;
    }
    match Role::parse(role) {
        Some(Role::Operator) => "/operator",
        Some(Role::Customer) => "/my",
        _ => "/",
    }
}

/// Whether an address leads to this portal: a path, and nothing that a browser takes for another host.
fn is_local(next: &str) -> bool {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && next.starts_with('/') && !next.starts_with("//")
}

/// A cookie that no script reads; only over TLS where the request came over TLS to the proxy.
fn set_cookie(headers: &HeaderMap, name: &str, value: &str, rest: &str) -> Result<HeaderValue, Error> {
    let over_tls = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes() == b"https");
    let secure = if over_tls { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; HttpOnly; {rest}{secure}")).map_err(internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_portal_is_followed() {
        for next in ["/", "/printers?state=late&q=a%20b", "/people/new"] {
            assert!(is_local(next), "{next}");
        }
        for next in ["", "//evil.example", "/\\evil.example", "https://evil.example", "printers", "/a\r\nb", "/ä"] {
            assert!(!is_local(next), "{next}");
        }
    }

    #[test]
    fn each_role_has_its_first_page() {
        for (role, next, expected) in [
            ("operator", "", "/operator"),
            ("customer", "/", "/my"),
            ("reseller", "//evil.example", "/"),
            ("reseller", "/jobs", "/jobs"),
        ] {
            assert_eq!(home(role, next), expected, "{role} {next}");
        }
    }

    #[test]
    fn a_cookie_is_for_tls_only_where_the_proxy_speaks_tls() {
        let mut headers = HeaderMap::new();
        let shown = |headers: &HeaderMap| set_cookie(headers, "a", "b", "Path=/").expect("plain text");
        assert_eq!(shown(&headers), "a=b; HttpOnly; Path=/");
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert_eq!(shown(&headers), "a=b; HttpOnly; Path=/; Secure");
    }
}
