//! What both engines promise of a transaction.
//!
//! Deliberately absent: what is stored, which the tests of each feature prove.

use super::{Db, DbError, Target, Tx};

/// Across resellers: this is about transactions.
const COUNT: &str = "select count(*) from reseller";
const INSERT: &str = "insert into reseller (reseller_id, name, created_at) values ($1, $2, $3)";

/// A new database of each engine that there is; the folder outlives them.
fn databases(folder: &tempfile::TempDir) -> Vec<Db> {
    let mut targets = vec![Target::Sqlite(folder.path().join("portal.sqlite"))];
    if let Ok(server) = std::env::var("PLOTMETER_TEST_POSTGRES") {
        let named = folder.path().file_name().and_then(|name| name.to_str()).expect("a name").to_lowercase();
        let name: String = named.chars().filter(char::is_ascii_alphanumeric).collect();
        let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("the test server");
        client.batch_execute(&format!("create database db_{name}")).expect("a database");
        let rest: Vec<&str> = server.split(' ').filter(|part| !part.starts_with("dbname=")).collect();
        targets.push(Target::Postgres(format!("{} dbname=db_{name}", rest.join(" "))));
    }
    targets.iter().map(|target| Db::open(target).expect("opens")).collect()
}

fn add(db: &Db, id: i64) {
    let write = |tx: &mut Tx<'_>| tx.execute(INSERT, params![id, "Nordplan", 0_i64]);
    db.write_now(write).expect("written");
}

#[test]
fn all_statements_of_a_read_see_the_same_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    for db in databases(&folder) {
        add(&db, 1);
        let seen = db.read_now(|tx| -> Result<(i64, i64), DbError> {
            let first = tx.count(COUNT, params![])?;
            // Somebody commits in between.
            add(&db, 2);
            Ok((first, tx.count(COUNT, params![])?))
        });
        assert_eq!(seen.expect("read"), (1, 1), "{}", db.engine());
        assert_eq!(db.read_now(|tx| tx.count(COUNT, params![])).expect("read"), 2, "{}", db.engine());
    }
}

#[test]
fn a_read_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for db in databases(&folder) {
        let written = db.read_now(|tx| tx.execute(INSERT, params![1_i64, "Nordplan", 0_i64]));
        assert!(written.is_err(), "{}", db.engine());
    }
}
