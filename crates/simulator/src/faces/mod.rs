//! The faces that a simulated printer shows on its network: one module an interface, and the socket.
//!
//! A face only reads the printer. Deliberately absent: anything that changes it; every method but
//! GET is refused.

mod dialect;
mod document;
pub mod https;
pub mod piws;

/// What a face answers to a GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The media type; these printers leave the charset out.
    pub content_type: String,
    /// The body, UTF-8.
    pub body: Vec<u8>,
}

impl Response {
    /// A small page for people, as printers send it with an error.
    pub(crate) fn page(status: u16, words: &str) -> Response {
        let body = format!("<html><head><title>{status}</title></head><body><h1>{words}</h1></body></html>");
        Response { status, content_type: "text/html".to_owned(), body: body.into_bytes() }
    }
}
