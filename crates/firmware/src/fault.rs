//! What can go wrong in a call, in words for the printer's log and as a number for the program.

use crate::abi;
use crate::rows::RowFault;

/// Why a call did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// A pointer is null.
    #[error("{0} is null")]
    Null(&'static str),
    /// A text is not usable.
    #[error("{0} is not UTF-8 or longer than {1} bytes")]
    Text(&'static str, usize),
    /// A value is not usable.
    #[error("{0}")]
    Value(String),
    /// A row was not taken.
    #[error(transparent)]
    Row(#[from] RowFault),
    /// Too many of something.
    #[error("{0}")]
    Full(String),
    /// Out of order.
    #[error("{0}")]
    State(&'static str),
    /// Nobody enrolled this printer.
    #[error("this printer is not enrolled: enrol it with the file from the reseller")]
    NotEnrolled,
    /// It is enrolled already.
    #[error("this printer is enrolled already: reset it before it is enrolled for another account")]
    Enrolled,
    /// The enrolment did not come about.
    #[error("the enrolment did not come about: {0}")]
    Refused(String),
    /// No answer.
    #[error("the portal was not reached")]
    Unreached,
    /// JSON of another form.
    #[error("the JSON is not of the documented form: {0}")]
    Json(String),
    /// A buffer is too small.
    #[error("the buffer is too small: {0} bytes are needed")]
    Buffer(usize),
    /// The folder failed.
    #[error("the storage folder: {0}")]
    Storage(String),
    /// A callback failed.
    #[error("the callback {0} failed")]
    Callback(&'static str),
    /// Built for another version.
    #[error("the program was built for version {0} of the interface, this library has {v}", v = abi::PM_ABI_VERSION)]
    Abi(u32),
}

impl Fault {
    /// The number that C sees.
    pub(crate) fn code(&self) -> i32 {
        match self {
            Fault::Null(_) => abi::PM_NULL,
            Fault::Text(..) => abi::PM_TEXT,
            Fault::Value(_) | Fault::Row(RowFault::Value { .. }) => abi::PM_VALUE,
            Fault::Row(RowFault::Unknown(_) | RowFault::Elsewhere { .. }) => abi::PM_ROW,
            Fault::Full(_) | Fault::Row(RowFault::Item { .. }) => abi::PM_ITEM,
            Fault::State(_) => abi::PM_STATE,
            Fault::NotEnrolled => abi::PM_NOT_ENROLLED,
            Fault::Enrolled => abi::PM_ENROLLED,
            Fault::Refused(_) => abi::PM_REFUSED,
            Fault::Unreached => abi::PM_UNREACHED,
            Fault::Json(_) => abi::PM_JSON,
            Fault::Buffer(_) => abi::PM_BUFFER,
            Fault::Storage(_) => abi::PM_STORAGE,
            Fault::Callback(_) => abi::PM_CALLBACK,
            Fault::Abi(_) => abi::PM_ABI,
        }
    }

    /// The fault of an error of the agent's core, with all its causes.
    pub(crate) fn storage(error: &dyn std::error::Error) -> Fault {
        Fault::Storage(chain(error))
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // A transparent error says the same as its cause.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
