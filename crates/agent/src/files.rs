//! Files of the state folder: private to their owner, durable before they count, and read within bounds.
//!
//! Deliberately absent: what stands in them, and the lock of the folder, which goes with its identity.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

/// Makes a folder that only its owner may enter, where it is absent.
pub(crate) fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes the entries of a folder durable. On Windows the file system's journal does it.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Writes a file durably, readable by its owner only: a power cut leaves the old one or the new one.
pub(crate) fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    make_private_folder(folder)?;
    let part = folder.join(format!("{name}.part"));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&part, folder.join(name))?;
    sync_folder(folder)
}

/// Reads a file of at most `most` bytes. Devices and pipes that never end are not read to their end.
pub(crate) fn read_bounded(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        return Ok(bytes);
    }
    let what = format!("it is longer than {most} bytes");
    Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, what))
}

/// Reads a text of at most `most` bytes from a file that only its owner may read. The error says what is wrong with
/// the file, and nothing of what stands in it.
#[cfg(feature = "net")]
pub(crate) fn read_secret(path: &Path, most: u64) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let metadata = fs::metadata(path).map_err(failed)?;
    // What is said of a file's rights would ruin a device or a folder.
    if !metadata.is_file() {
        return Err("is no plain file".to_owned());
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(format!("may be read by others: run `chmod 600 {}`", path.display()));
    }
    let bytes = read_bounded(path, most).map_err(failed)?;
    String::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_owned())
}
