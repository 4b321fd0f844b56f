//! `plotmeter portal …`

use anyhow::{Context, bail};
use clap::Args;
use portal::config::File;
use portal::setup::{self, Role};
use portal::{Db, Listeners, Portal, PortalKeys, Target, Tls, serve};
use std::path::PathBuf;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Prints a commented configuration file.
    DefaultConfig,
    /// Brings the database to this program's schema.
    Migrate(ConfigFile),
    /// Adds an operator who can sign in, and prints the password once.
    User {
        /// The address they sign in with.
        #[arg(long)]
        email: String,
        /// Their name.
        #[arg(long, default_value = "Operator")]
        name: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Serves people and agents until stopped.
    Serve(ConfigFile),
}

/// Where the configuration is.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = "portal.toml")]
    config: PathBuf,
}

impl ConfigFile {
    fn open(&self) -> anyhow::Result<(File, Portal)> {
        let file = File::load(&self.config)?;
        std::fs::create_dir_all(&file.data).with_context(|| format!("make the folder {}", file.data.display()))?;
        let surroundings = crate::clock::surroundings();
        let settings = file.settings()?;
        let db = Db::open(&target(&file)).context("open the database")?;
        let keys = PortalKeys::load(&file.data.join("portal-keys.json"), &db, &surroundings)?;
        Ok((file, Portal::new(settings, db, keys, surroundings)?))
    }
}

fn target(file: &File) -> Target {
    match &file.postgres {
        Some(connection) => Target::Postgres(connection.clone()),
        None => Target::Sqlite(file.data.join("portal.sqlite")),
    }
}

impl Command {
    /// Whether the command works until it is stopped.
    pub(crate) fn serves(&self) -> bool {
        matches!(self, Command::Serve(_))
    }
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::DefaultConfig => print!("{}", portal::config::TEMPLATE),
        Command::Migrate(config) => {
            let file = File::load(&config.config)?;
            std::fs::create_dir_all(&file.data).with_context(|| format!("make the folder {}", file.data.display()))?;
            let db = Db::open(&target(&file)).context("open the database")?;
            println!("the {} database is at this program's schema", db.engine());
        }
        Command::User { email, name, config } => {
            let (_, portal) = config.open()?;
            let password = setup::password(&portal);
            setup::person(&portal, Role::Operator, &email, &name, &password)
                .with_context(|| format!("add {email}; is there somebody with this address already?"))?;
            println!("operator {email}\npassword {password}\nIt is shown only now.");
        }
        Command::Serve(config) => {
            let (file, portal) = config.open()?;
            let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("read {}", path.display()));
            let tls = Tls { certificates: read(&file.agents.certificate)?, key: read(&file.agents.key)? };
            if !file.listen.ip().is_loopback() {
                bail!(
                    "listen = \"{}\": pages are plain HTTP, so this must be a loopback address behind a TLS proxy",
                    file.listen
                );
            }
            let listeners = Listeners::bind(file.listen, file.agents.listen).with_context(|| {
                format!("listen on {} for people and {} for agents", file.listen, file.agents.listen)
            })?;
            tracing::info!(pages = %file.listen, agents = %file.agents.listen, "portal serves");
            crate::runtime()?.block_on(serve(&portal, listeners, &tls, crate::stopped()))?;
        }
    }
    Ok(())
}
