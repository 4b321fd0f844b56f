//! The scanning half of a job: N rows that are not personal.

use crate::{Area, Instant};
use serde::{Deserialize, Serialize};

/// What was scanned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanJob {
    /// Row N9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_at: Option<Instant>,
    /// Row N11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
}
