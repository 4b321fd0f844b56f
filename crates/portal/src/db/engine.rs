//! Connections, transactions and statements on either engine.

use super::migrate;
use super::value::{Param, Row};
use postgres::types::Type;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Connections that readers share.
const READERS: usize = 8;
/// How long SQLite waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// Which database.
#[derive(Debug, Clone)]
pub enum Target {
    /// A file, made when absent.
    Sqlite(PathBuf),
    /// A connection string of the `postgres` crate: `host=/run/postgresql user=plotmeter dbname=plotmeter`.
    Postgres(String),
}

/// Our database failed us.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// SQLite.
    #[error("SQLite")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL.
    #[error("PostgreSQL")]
    Postgres(#[from] postgres::Error),
    /// A row is not what the statement promises.
    #[error("column {column} of a row is not {wanted}")]
    Shape {
        /// Counted from 0.
        column: usize,
        /// What was expected.
        wanted: &'static str,
    },
    /// Stored JSON does not read.
    #[error("a stored document does not read")]
    Document(#[from] serde_json::Error),
    /// The database is not one this program can use.
    #[error("{0}")]
    Unfit(String),
    /// The runtime ended before the work did.
    #[error("the work was interrupted")]
    Interrupted,
}

impl DbError {
    /// Whether a unique key refused the row.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            DbError::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => {
                failure.code == rusqlite::ErrorCode::ConstraintViolation
            }
            DbError::Postgres(error) => error.code() == Some(&postgres::error::SqlState::UNIQUE_VIOLATION),
            _ => false,
        }
    }
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

enum Inner {
    /// One writer, as SQLite has; readers see the last commit.
    Sqlite {
        writer: Mutex<rusqlite::Connection>,
        readers: Pool<rusqlite::Connection>,
    },
    Postgres {
        pool: Pool<PgConnection>,
    },
}

/// A PostgreSQL connection with its prepared statements by text.
struct PgConnection {
    client: postgres::Client,
    statements: BTreeMap<String, postgres::Statement>,
}

impl Db {
    /// Opens the database and brings its schema to this program's version.
    pub fn open(target: &Target) -> Result<Db, DbError> {
        let db = match target {
            Target::Sqlite(path) => {
                let writer = open_sqlite(path, false)?;
                let path = path.clone();
                let readers = Pool::new(READERS, move || open_sqlite(&path, true), |_| true);
                Inner::Sqlite { writer: Mutex::new(writer), readers }
            }
            Target::Postgres(config) => {
                let config: postgres::Config = config.parse()?;
                refuse_plaintext(&config)?;
                let open = move || open_postgres(&config);
                Inner::Postgres { pool: Pool::new(READERS, open, |connection| !connection.client.is_closed()) }
            }
        };
        let db = Db(Arc::new(db));
        migrate::run(&db)?;
        Ok(db)
    }

    /// Whether any agent was ever enrolled.
    pub fn knows_agents(&self) -> Result<bool, DbError> {
        Ok(self.read_now(|tx| tx.count("select count(*) from agent_key", &[]))? > 0)
    }

    /// The engine's name, for people.
    pub fn engine(&self) -> &'static str {
        match &*self.0 {
            Inner::Sqlite { .. } => "SQLite",
            Inner::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Runs `work` in a read transaction on this thread. However many statements it has, all of them see the same
    /// state of the database.
    pub(crate) fn read_now<T, E: From<DbError>>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        match &*self.0 {
            Inner::Sqlite { readers, .. } => {
                let mut connection = readers.take()?;
                let transaction = connection.get().transaction().map_err(DbError::from)?;
                work(&mut Tx(Engine::Sqlite(&transaction)))
            }
            Inner::Postgres { pool } => on_postgres(pool, reading, work),
        }
    }

    /// Runs `work` in a write transaction on this thread: commits when it succeeds, else rolls back.
    pub(crate) fn write_now<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &*self.0 {
            Inner::Sqlite { writer, .. } => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let transaction = writer
                    .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
                    .map_err(DbError::from)?;
                let result = work(&mut Tx(Engine::Sqlite(&transaction)))?;
                transaction.commit().map_err(DbError::from)?;
                Ok(result)
            }
            Inner::Postgres { pool } => on_postgres(pool, writing, work),
        }
    }

    /// Runs `work` in a read transaction on a blocking thread.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let db = self.clone();
        let done = tokio::task::spawn_blocking(move || db.read_now(work)).await;
        done.unwrap_or_else(|_| Err(E::from(DbError::Interrupted)))
    }

    /// Runs `work` in a write transaction on a blocking thread.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let db = self.clone();
        let done = tokio::task::spawn_blocking(move || db.write_now(work)).await;
        done.unwrap_or_else(|_| Err(E::from(DbError::Interrupted)))
    }

    /// Runs schema statements outside the portable layer's statement cache.
    pub(crate) fn script(&self, text: &str, then: &'static str, params: &[Param]) -> Result<(), DbError> {
        self.write_now(|tx| {
            match &mut tx.0 {
                Engine::Sqlite(connection) => connection.execute_batch(text)?,
                Engine::Postgres { transaction, .. } => transaction.batch_execute(text)?,
            }
            tx.execute(then, params)?;
            Ok(())
        })
    }
}

/// One snapshot for all statements, as a reader of SQLite has it: what is read of one moment fits together.
fn reading(client: &mut postgres::Client) -> Result<postgres::Transaction<'_>, postgres::Error> {
    client.build_transaction().isolation_level(postgres::IsolationLevel::RepeatableRead).read_only(true).start()
}

/// Each statement sees what was committed before it, so that a row that was waited for is read as it is now.
fn writing(client: &mut postgres::Client) -> Result<postgres::Transaction<'_>, postgres::Error> {
    client.transaction()
}

/// How a transaction begins.
type Begin = fn(&mut postgres::Client) -> Result<postgres::Transaction<'_>, postgres::Error>;

fn on_postgres<T, E: From<DbError>>(
    pool: &Pool<PgConnection>,
    begin: Begin,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut pooled = pool.take()?;
    let PgConnection { client, statements } = pooled.get();
    let transaction = begin(client).map_err(DbError::from)?;
    let mut tx = Tx(Engine::Postgres { transaction, statements });
    let result = work(&mut tx)?;
    if let Engine::Postgres { transaction, .. } = tx.0 {
        transaction.commit().map_err(DbError::from)?;
    }
    Ok(result)
}

/// Makes a file that only its owner may read, where it is absent. One that is there is not even opened:
/// closing it again would give up the locks that SQLite holds on it for this whole process, and the next
/// other process would take the database's log away.
fn private(path: &PathBuf) -> Result<(), DbError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(DbError::Unfit(format!("make {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn open_sqlite(path: &PathBuf, reader: bool) -> Result<rusqlite::Connection, DbError> {
    private(path)?;
    let connection = rusqlite::Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // FULL: an acknowledged package survives a power cut; with group commit it costs what NORMAL costs.
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;
         pragma cache_size = -65536; pragma temp_store = memory;",
    )?;
    if reader {
        connection.execute_batch("pragma query_only = on;")?;
    }
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// This build speaks to PostgreSQL without TLS, so it may only reach this machine.
fn refuse_plaintext(config: &postgres::Config) -> Result<(), DbError> {
    use postgres::config::Host;
    let local = |host: &Host| match host {
        Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        Host::Unix(_) => true,
    };
    if config.get_hosts().iter().all(local) {
        return Ok(());
    }
    let advice = "PostgreSQL is reached without TLS: use a UNIX socket or a loopback address";
    Err(DbError::Unfit(advice.to_owned()))
}

fn open_postgres(config: &postgres::Config) -> Result<PgConnection, DbError> {
    let mut client = config.connect(postgres::NoTls)?;
    let version: i32 = client.query_one("select current_setting('server_version_num')::int4", &[])?.try_get(0)?;
    if version < 150_000 {
        return Err(DbError::Unfit(format!("PostgreSQL 15 or later is needed, this is {}", version / 10_000)));
    }
    Ok(PgConnection { client, statements: BTreeMap::new() })
}

/// A transaction: what store functions take.
pub(crate) struct Tx<'a>(pub(super) Engine<'a>);

pub(super) enum Engine<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres { transaction: postgres::Transaction<'a>, statements: &'a mut BTreeMap<String, postgres::Statement> },
}

/// The names of SQLite's parameters, since `$2` may stand before `$1` in a statement.
const NAMES: [&str; 40] = [
    "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16", "$17",
    "$18", "$19", "$20", "$21", "$22", "$23", "$24", "$25", "$26", "$27", "$28", "$29", "$30", "$31", "$32", "$33",
    "$34", "$35", "$36", "$37", "$38", "$39", "$40",
];

impl Tx<'_> {
    /// Runs a statement and gives the number of rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, params: &[Param]) -> Result<u64, DbError> {
        match &mut self.0 {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                bind(&mut statement, params)?;
                Ok(u64::try_from(statement.raw_execute()?).unwrap_or(0))
            }
            Engine::Postgres { transaction, statements } => {
                let statement = prepared(transaction, statements, sql)?;
                let params: Vec<&(dyn postgres::types::ToSql + Sync)> = params.iter().map(|param| param as _).collect();
                Ok(transaction.execute(&statement, &params)?)
            }
        }
    }

    /// Runs a query and reads each row.
    pub(crate) fn query<T>(
        &mut self,
        sql: &str,
        params: &[Param],
        mut read: impl FnMut(&Row) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut found = Vec::new();
        match &mut self.0 {
            Engine::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                bind(&mut statement, params)?;
                let columns = statement.column_count();
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next()? {
                    let cells = (0..columns).map(|column| sqlite_cell(row, column)).collect::<Result<_, _>>()?;
                    found.push(read(&Row(cells))?);
                }
            }
            Engine::Postgres { transaction, statements } => {
                let statement = prepared(transaction, statements, sql)?;
                let mut rows = transaction.query_raw(&statement, params)?;
                while let Some(row) = postgres::fallible_iterator::FallibleIterator::next(&mut rows)? {
                    found.push(read(&pg_row(&row)?)?);
                }
            }
        }
        Ok(found)
    }

    /// Runs a query and reads its first row, when there is one.
    pub(crate) fn query_opt<T>(
        &mut self,
        sql: &str,
        params: &[Param],
        read: impl FnMut(&Row) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        Ok(self.query(sql, params, read)?.into_iter().next())
    }

    /// Runs `select` for the rows whose `columns` equal any of `keys`, a bounded number of keys a
    /// statement. `select` ends before its `where`.
    pub(crate) fn query_any<T>(
        &mut self,
        select: &str,
        columns: &[&str],
        keys: &[Vec<Param>],
        mut read: impl FnMut(&Row) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut found = Vec::new();
        for (sql, params) in any_of(select, columns, keys) {
            found.extend(self.query(&sql, &params, &mut read)?);
        }
        Ok(found)
    }

    /// Runs `change` on the rows whose `columns` equal any of `keys`, as [`Tx::query_any`] does; gives how
    /// many it changed.
    pub(crate) fn execute_any(&mut self, change: &str, columns: &[&str], keys: &[Vec<Param>]) -> Result<u64, DbError> {
        let mut changed = 0;
        for (sql, params) in any_of(change, columns, keys) {
            changed += self.execute(&sql, &params)?;
        }
        Ok(changed)
    }

    /// Runs a query that gives exactly one integer, such as a count.
    pub(crate) fn count(&mut self, sql: &str, params: &[Param]) -> Result<i64, DbError> {
        self.query_opt(sql, params, |row| row.int(0))?.ok_or(DbError::Shape { column: 0, wanted: "a row" })
    }
}

/// `statement` for the rows whose `columns` equal any of `keys`: a bounded number of keys a statement.
fn any_of(statement: &str, columns: &[&str], keys: &[Vec<Param>]) -> Vec<(String, Vec<Param>)> {
    debug_assert!(columns.iter().any(|column| column.ends_with("reseller_id")), "{statement} is not scoped");
    let most = NAMES.len() / columns.len();
    let part = |keys: &[Vec<Param>]| {
        // Two statement texts in all, so that prepared statements stay few: one key, or the full
        // number with the last key repeated.
        let count = if keys.len() == 1 { 1 } else { most };
        let mut place = 0;
        let mut one = || {
            let equals = columns.iter().map(|column| {
                place += 1;
                format!("{column} = ${place}")
            });
            format!("({})", equals.collect::<Vec<_>>().join(" and "))
        };
        let any = (0..count).map(|_| one()).collect::<Vec<_>>().join(" or ");
        let params: Vec<Param> = (0..count).flat_map(|index| keys[index.min(keys.len() - 1)].iter().cloned()).collect();
        (format!("{statement} where {any}"), params)
    };
    keys.chunks(most).map(part).collect()
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, params: &[Param]) -> Result<(), DbError> {
    for (param, name) in params.iter().zip(NAMES) {
        let index = statement
            .parameter_index(name)?
            .ok_or_else(|| DbError::Unfit(format!("a statement has no parameter {name}")))?;
        statement.raw_bind_parameter(index, param)?;
    }
    if statement.parameter_count() == params.len() && params.len() <= NAMES.len() {
        Ok(())
    } else {
        Err(DbError::Unfit(format!(
            "a statement takes {} parameters, not {}",
            statement.parameter_count(),
            params.len()
        )))
    }
}

fn sqlite_cell(row: &rusqlite::Row<'_>, column: usize) -> Result<Param, DbError> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Param::Null,
        ValueRef::Integer(value) => Param::Int(value),
        ValueRef::Text(value) => Param::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Param::Bytes(value.to_vec()),
        ValueRef::Real(_) => return Err(DbError::Shape { column, wanted: "an exact value" }),
    })
}

pub(super) fn prepared(
    transaction: &mut postgres::Transaction<'_>,
    statements: &mut BTreeMap<String, postgres::Statement>,
    sql: &str,
) -> Result<postgres::Statement, DbError> {
    if let Some(statement) = statements.get(sql) {
        return Ok(statement.clone());
    }
    let statement = transaction.prepare(sql)?;
    statements.insert(sql.to_owned(), statement.clone());
    Ok(statement)
}

pub(super) fn pg_row(row: &postgres::Row) -> Result<Row, DbError> {
    let cell = |(index, column): (usize, &postgres::Column)| -> Result<Param, DbError> {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(index)?.map(i64::from).into(),
            Type::TEXT | Type::VARCHAR => row.try_get::<_, Option<String>>(index)?.into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index)?.into(),
            _ => return Err(DbError::Shape { column: index, wanted: "bigint, text or bytea" }),
        })
    };
    Ok(Row(row.columns().iter().enumerate().map(cell).collect::<Result<_, _>>()?))
}

/// A bounded pool: connections are opened when first needed.
struct Pool<T> {
    open: Box<dyn Fn() -> Result<T, DbError> + Send + Sync>,
    /// Whether a connection can be used again; the server may have gone.
    alive: fn(&T) -> bool,
    state: Mutex<PoolState<T>>,
    returned: Condvar,
}

struct PoolState<T> {
    idle: Vec<T>,
    room: usize,
}

impl<T> Pool<T> {
    fn new(
        room: usize,
        open: impl Fn() -> Result<T, DbError> + Send + Sync + 'static,
        alive: fn(&T) -> bool,
    ) -> Pool<T> {
        let state = Mutex::new(PoolState { idle: Vec::new(), room });
        Pool { open: Box::new(open), alive, state, returned: Condvar::new() }
    }

    fn take(&self) -> Result<Pooled<'_, T>, DbError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(Pooled { pool: self, connection: Some(connection) });
            }
            if state.room > 0 {
                state.room -= 1;
                break;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // From here on the place is ours: it comes back when `pooled` drops, connected or not.
        let mut pooled = Pooled { pool: self, connection: None };
        pooled.connection = Some((self.open)()?);
        Ok(pooled)
    }
}

/// A connection on loan. It returns unless its owner is panicking or it is dead.
struct Pooled<'a, T> {
    pool: &'a Pool<T>,
    connection: Option<T>,
}

impl<T> Pooled<'_, T> {
    fn get(&mut self) -> &mut T {
        self.connection.as_mut().expect("set by Pool::take before it is handed out")
    }
}

impl<T> Drop for Pooled<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.connection.take() {
            Some(connection) if !std::thread::panicking() && (self.pool.alive)(&connection) => {
                state.idle.push(connection);
            }
            _ => state.room += 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}
