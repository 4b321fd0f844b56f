//! The pages that the code generates. Tidy fails when a committed page differs from what stands here.
//!
//! Deliberately absent: pages that people write.

use anyhow::{Context, Result};
use std::path::Path;

/// Where the generated table of Appendix A stands.
pub(crate) const APPENDIX_A: &str = "docs/appendix-a.md";

/// `docs/appendix-a.md` as the code has it now: every row, and the drivers that fill it.
pub(crate) fn appendix_a() -> String {
    report::markdown(drivers::filled_by)
}

/// Writes every generated page under `root`.
pub(crate) fn write(root: &Path) -> Result<()> {
    let path = root.join(APPENDIX_A);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    std::fs::write(&path, appendix_a()).with_context(|| format!("write {}", path.display()))
}
