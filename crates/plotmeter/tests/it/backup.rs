//! Another program at the portal's SQLite file, as a backup is: nothing that the portal writes later is lost.

use crate::processes::{enrol, start_portal, write_enrolment};
use crate::world::{collector_config, free_address, jobs_csv, prepare, sqlite};
use std::path::Path;
use std::process::Command;

/// Names the database to the other program, which is this one again: locks belong to processes.
const DATABASE: &str = "PLOTMETER_TEST_DATABASE";
const OTHER: &str = "backup::the_other_program_counts_and_closes";

/// What `sql` counts, asked by another process that closes the database again.
fn count(database: &Path, sql: &str) -> String {
    let program = std::env::current_exe().expect("a program");
    let said = Command::new(program)
        .args([OTHER, "--exact", "--nocapture"])
        .env(DATABASE, database)
        .env("PLOTMETER_TEST_SQL", sql)
        .output()
        .expect("runs");
    assert!(said.status.success());
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("counted ")).expect("a count").to_owned()
}

/// Whether a process holds a lock on a file, as the kernel lists them.
#[cfg(target_os = "linux")]
fn holds_lock(process: &tokio::process::Child, file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (id, inode) = (process.id().expect("runs"), std::fs::metadata(file).expect("is there").ino());
    let locks = std::fs::read_to_string("/proc/locks").expect("listed");
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.contains(&id.to_string().as_str()) && words.iter().any(|word| word.ends_with(&format!(":{inode}")))
    })
}

#[test]
fn the_other_program_counts_and_closes() {
    let Some(database) = std::env::var_os(DATABASE) else { return };
    let other = rusqlite::Connection::open(database).expect("opens");
    let sql = std::env::var("PLOTMETER_TEST_SQL").expect("a statement");
    let counted: i64 = other.query_row(&sql, [], |row| row.get(0)).expect("counts");
    println!("\ncounted {counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_after_a_backup_of_the_running_portal_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("portal.sqlite");
    let prepared = prepare(folder.path(), &sqlite(folder.path()), &free_address()).await;
    let mut portal = start_portal(&prepared).await;
    // Pages are read, so that the portal has opened the file more than once.
    assert!(jobs_csv(&prepared.pages).await.is_empty());
    #[cfg(target_os = "linux")]
    assert!(holds_lock(&portal, &database), "the portal gave up its lock on the database");
    // The backup: a connection of another process that closes again.
    assert_eq!(count(&database, "select count(*) from reseller"), "1");
    let log = folder.path().join("portal.sqlite-wal");
    assert!(log.exists(), "the backup took the database's log away from the portal");
    let config = collector_config(folder.path(), "drop", &[]);
    let file = write_enrolment(folder.path(), "enrol.plotmeter", &prepared.file);
    let enrolled = enrol("collector", &config, &file).await;
    assert!(enrolled.success, "{}", enrolled.err);
    portal.start_kill().expect("killed");
    portal.wait().await.expect("ended");
    let active = count(&database, "select count(*) from agent where state = 'active'");
    assert_eq!(active, "1", "what came after the backup is there");
}
