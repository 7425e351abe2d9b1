#![doc = include_str!("../README.md")]
//!
//! Everything lies in the runs folder: a run is a folder of it, so the list of runs survives a restart, and runs that were
//! started on the command line appear as well. What the studio itself keeps (uploaded archives, the experts' videos, how
//! its runs ended) lies under `.studio/` there.
//!
//! It listens on the loopback interface unless told otherwise, answers those only who know its token, and believes no other page:
//! see [`security`]. What takes long, and what touches a plugin, is done in worker processes: see [`Work`].

mod api;
mod archive;
mod assets;
mod catalog;
mod delivery;
mod error;
mod fields;
mod frozen;
mod gallery;
mod jobs;
mod laboratory;
mod programs;
mod queue;
mod rollout;
mod runs;
pub mod security;
mod server;
mod stories;
mod story;
mod uploads;
mod visitors;
mod watch;
mod work;

pub use work::{SUBCOMMAND, Work};

use catalog::Described;
use jobs::Jobs;
use kanrl_core::environment::EnvironmentRegistry;
use programs::Programs;
use queue::Queue;
use rollout::Rehearsals;
use runs::Runs;
use std::ffi::OsString;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use stories::Stories;
use tokio::sync::{OnceCell, Semaphore};
use uploads::Uploads;
use visitors::Visitors;
use watch::Watches;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; the loopback interface by default.
    pub host: IpAddr,
    /// The port; 0 for any free one. Default 7860.
    pub port: u16,
    /// The folder of runs, made if it does not exist. Default `runs`.
    pub runs: PathBuf,
    /// A folder whose files stand in for those that are compiled in, for work on the page itself.
    pub assets: Option<PathBuf>,
    /// What a request must know; `None` where everybody who reaches the server may use it. Default: a random one.
    pub token: Option<String>,
    /// The program that extracts (`PROGRAM extract …`), resumes, films, and works (`PROGRAM studio-work`, see [`SUBCOMMAND`]).
    pub program: PathBuf,
    /// Arguments that stand before its subcommand.
    pub arguments: Vec<OsString>,
    /// Whether that program has environments of plugins, so that it is asked for them. Default: no.
    pub plugins: bool,
    /// Runs that are extracted at the same time. Default 1: one run uses every core.
    pub running: usize,
    /// Runs that may wait. Default 8.
    pub waiting: usize,
    /// Whether strangers share it: they look at everything and start small runs, a few each, and change nothing. Default: no.
    pub public: bool,
    /// Whether strangers may upload experts. Default: no.
    pub uploads: bool,
}

impl Options {
    /// The defaults, for a program that understands kanrl's command line.
    pub fn new(program: PathBuf) -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 7860,
            runs: PathBuf::from("runs"),
            assets: None,
            token: Some(security::random_token()),
            program,
            arguments: Vec::new(),
            plugins: false,
            running: 1,
            waiting: 8,
            public: false,
            uploads: false,
        }
    }
}

/// The studio could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudioError {
    /// The folder of runs cannot be used.
    #[error("cannot use {} as the folder of runs: {source}", .path.display())]
    Runs {
        /// The folder.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: std::io::Error,
    },
    /// Nobody can listen there.
    #[error("cannot listen on {address}: {source}; choose another port with --port, or 0 for any free one")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server stopped.
    #[error("the server stopped: {0}")]
    Server(#[source] std::io::Error),
}

/// The app's state, shared by all requests.
pub struct Studio {
    options: Options,
    /// Those that are built in: no plugin's code runs in this process.
    environments: EnvironmentRegistry,
    runs: Arc<Runs>,
    queue: Arc<Queue>,
    watches: Watches,
    uploads: Uploads,
    programs: Arc<Programs>,
    jobs: Jobs,
    /// The environments of plugins, once they are known.
    plugins: OnceCell<Arc<Vec<Described>>>,
    rehearsals: Rehearsals,
    stories: Stories,
    visitors: Visitors,
    /// Archives that are read at the same time.
    reading: Semaphore,
    /// Pictures of environments that are drawn at the same time.
    pictures: Semaphore,
    /// Pages that watch a run.
    watchers: Arc<Semaphore>,
}

/// Archives that are read at the same time; others wait.
const MOST_READING: usize = 2;
/// How long what is left may take to end with the studio.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
/// Pages that may watch runs at the same time.
const MOST_WATCHERS: usize = 500;

impl Studio {
    /// Opens the folder of runs.
    ///
    /// # Errors
    /// [`StudioError::Runs`].
    pub fn open(options: Options, environments: EnvironmentRegistry) -> Result<Arc<Self>, StudioError> {
        let failed = |source| StudioError::Runs { path: options.runs.clone(), source };
        let runs = Arc::new(Runs::open(&options.runs).map_err(failed)?);
        let programs = Arc::new(Programs::new(&options));
        let queue = Queue::new(Arc::clone(&runs), Arc::clone(&programs), options.running, options.waiting);
        let uploads = Uploads::new(runs.own_folder());
        uploads.tidy();
        runs.tidy();
        let rehearsals = Rehearsals::new(&runs.own_folder()).map_err(failed)?;
        let jobs = Jobs::new(Arc::clone(&programs));
        let (watches, plugins) = (Watches::default(), OnceCell::new());
        let (reading, watchers) = (Semaphore::new(MOST_READING), Arc::new(Semaphore::new(MOST_WATCHERS)));
        Ok(Arc::new(Self {
            options,
            environments,
            runs,
            queue,
            watches,
            uploads,
            programs,
            jobs,
            plugins,
            rehearsals,
            stories: Stories::default(),
            visitors: Visitors::default(),
            reading,
            pictures: Semaphore::new(1),
            watchers,
        }))
    }

    /// Everything it answers.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        api::router(self)
    }

    /// What leads to its page: the address with the token.
    pub fn link(&self, address: SocketAddr) -> String {
        match &self.options.token {
            Some(token) => format!("http://{address}/?token={token}"),
            None => format!("http://{address}/"),
        }
    }

    /// Serves until `stop` is ready, then ends what it started, within a second.
    pub async fn serve(self: Arc<Self>, listener: tokio::net::TcpListener, stop: impl Future<Output = ()>) {
        server::serve(listener, self.router(), stop).await;
        self.queue.stop().await;
    }
}

/// Serves until Ctrl-C, and ends within two seconds then; `ready` hears the link to the page once it listens.
///
/// # Errors
/// [`StudioError`].
pub fn serve(options: Options, environments: EnvironmentRegistry, ready: impl FnOnce(&str)) -> Result<(), StudioError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StudioError::Server)?;
    let served = runtime.block_on(async {
        let address = SocketAddr::new(options.host, options.port);
        let studio = Studio::open(options, environments)?;
        let failed = |source| StudioError::Listen { address, source };
        let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
        ready(&studio.link(listener.local_addr().map_err(failed)?));
        studio.serve(listener, asked_to_end()).await;
        Ok(())
    });
    // A thread that reads a file or an archive is not waited for any longer.
    runtime.shutdown_timeout(PATIENCE);
    served
}

/// Ready once Ctrl-C was pressed, or the system asks the process to end.
async fn asked_to_end() {
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!("Ctrl-C will end the studio at once: {error}");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
