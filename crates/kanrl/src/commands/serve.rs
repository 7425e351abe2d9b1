use crate::{Failure, Plugins};
use clap::Args;
use kanrl_studio::Options;
use std::net::IpAddr;
use std::path::PathBuf;

/// `kanrl serve`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Serve {
    /// The port; 0 for any free one.
    #[arg(long, default_value_t = 7860)]
    port: u16,
    /// The address to listen on; anything but the loopback interface lets others start runs on this machine.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Open the page in the browser.
    #[arg(long)]
    open: bool,
    /// The folder of runs: those of `kanrl extract` in it appear as well.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Runs that are extracted at the same time; one run uses every core.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    jobs: usize,
    /// Runs that may wait for their turn.
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    queue: usize,
    /// Files of the page from a folder instead of those compiled in, to work on them.
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

const AFTER: &str = "\
Examples:
  kanrl serve --open
  kanrl serve --port 8000 --runs my-runs

Each extraction is a process of its own: one that crashes or hangs does not take the studio down. Ctrl-C ends the studio
and what it is extracting; `kanrl resume DIR`, or the page, goes on with those runs later.";

impl Serve {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let registry = plugins.environments()?;
        let program = std::env::current_exe().map_err(Failure::run)?;
        if !self.host.is_loopback() {
            eprintln!(
                "warning: everyone who can reach {} can start runs on this machine and read all of {}; \
                 leave --host out to serve this machine only",
                self.host,
                self.runs.display()
            );
        }
        let options = Options {
            host: self.host,
            port: self.port,
            runs: self.runs,
            assets: self.assets,
            running: self.jobs,
            waiting: self.queue,
            arguments: plugins.arguments(),
            ..Options::new(program)
        };
        let open = self.open;
        let ready = |address: std::net::SocketAddr| {
            let address = format!("http://{address}");
            println!("{address}  (Ctrl-C ends it)");
            if open && let Err(error) = open::that_detached(&address) {
                eprintln!("warning: cannot open a browser: {error}");
            }
        };
        kanrl_studio::serve(options, registry, ready).map_err(|error| match error {
            kanrl_studio::StudioError::Server(_) => Failure::run(error),
            _ => Failure::input(error),
        })
    }
}
