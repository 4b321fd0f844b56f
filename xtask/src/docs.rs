//! What the code generates for people to read: the table of Appendix A, the page of supported printers, and
//! the C header of the firmware library. Tidy fails when a committed one differs from what stands here.
//!
//! Deliberately absent: pages that people write.

use anyhow::{Context, Result};
use std::path::Path;

/// Where the generated table of Appendix A stands.
const APPENDIX_A: &str = "docs/appendix-a.md";

/// Where the generated page of supported printers stands.
const SUPPORTED: &str = "docs/manual/supported.md";

/// Where the C interface of the firmware library stands.
const HEADER: &str = "crates/firmware/include/plotmeter_agent.h";

/// The C interface as the firmware library's source has it now.
fn header(root: &Path) -> Result<String> {
    let folder = root.join("crates/firmware");
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))
        .map_err(anyhow::Error::msg)
        .context("read crates/firmware/cbindgen.toml")?;
    let sources = ["abi.rs", "calls.rs"];
    let builder = sources.iter().fold(cbindgen::Builder::new().with_config(config), |builder, source| {
        builder.with_src(folder.join("src").join(source))
    });
    let mut header = Vec::new();
    builder.generate().context("read the firmware library's interface")?.write(&mut header);
    String::from_utf8(header).context("read the generated header")
}

/// What is generated, by its place below `root`.
pub(crate) fn generated(root: &Path) -> Result<[(&'static str, String); 3]> {
    let appendix_a = drivers::coverage_table();
    let supported = drivers::models::supported_table();
    Ok([(APPENDIX_A, appendix_a), (SUPPORTED, supported), (HEADER, header(root)?)])
}

/// Writes everything that is generated.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (place, text) in generated(root)? {
        let path = root.join(place);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}
