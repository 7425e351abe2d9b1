use crate::{Failure, Plugins, processes};
use clap::Args;
use kanrl_studio::Options;
use std::io::Error;
use std::net::IpAddr;
use std::path::PathBuf;

/// `kanrl serve`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Serve {
    /// Port; 0 for any free one.
    #[arg(long, default_value_t = 7860)]
    port: u16,
    /// Address to listen on. Any address other than loopback requires --token or --public.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Token that is required to use the studio, instead of a random one. Other users can see command lines, so prefer
    /// setting $KANRL_TOKEN.
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    token: Option<String>,
    /// Share it with strangers: no token, everything can be looked at, and each visitor may start small runs, a few an hour.
    /// Nobody can change or delete runs, plugins are left out, and uploads are refused without --uploads.
    #[arg(long, conflicts_with = "token")]
    public: bool,
    /// Let the visitors of a public studio upload Stable-Baselines3 archives; their code is never run.
    #[arg(long, requires = "public")]
    uploads: bool,
    /// Open the page in the browser.
    #[arg(long)]
    open: bool,
    /// Folder of runs; runs of `kanrl extract` in it are shown too.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Number of extractions at a time; a single one uses all cores.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    jobs: usize,
    /// Maximum number of runs in the queue.
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    queue: usize,
    /// Serve the page's files from a folder instead of the built-in ones, for development.
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

const AFTER: &str = "\
Examples:
  kanrl serve --open
  kanrl serve --port 8000 --runs my-runs
  kanrl serve --public --host 0.0.0.0

Each extraction runs in a separate process, so a crash does not take the studio down. Ctrl-C stops the studio and its
extractions; resume them later from the page or with `kanrl resume DIR`.";

/// A token that can stand in an address and in a cookie.
fn token(text: &str) -> Result<String, String> {
    let fits = text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits.then(|| text.to_owned()).ok_or_else(|| "a token has at least 8 letters, digits, `-`, `_` or `.`".to_owned())
}

impl Serve {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let registry = kanrl::environments().map_err(Failure::run)?;
        let program = processes::running_program().map_err(Failure::run)?;
        let chosen = match (&self.token, std::env::var("KANRL_TOKEN")) {
            (Some(token), _) => Some(token.clone()),
            (None, Ok(text)) if !self.public => {
                Some(token(&text).map_err(|error| Failure::input(Error::other(error)))?)
            }
            _ => None,
        };
        if !self.host.is_loopback() && chosen.is_none() && !self.public {
            let message = format!("everyone who can reach {} could try to start runs on this machine", self.host);
            let help = "set a token with --token or in $KANRL_TOKEN, allow everyone with --public, or omit --host to serve this \
                        machine only";
            return Err(Failure::input_with_help(Error::other(message), help));
        }
        private_files();
        let defaults = Options::new(program);
        let options = Options {
            host: self.host,
            port: self.port,
            runs: self.runs,
            assets: self.assets,
            token: if self.public { None } else { chosen.or(defaults.token.clone()) },
            running: self.jobs,
            waiting: self.queue,
            arguments: if self.public { Vec::new() } else { plugins.arguments() },
            plugins: !self.public && plugins.are_there()?,
            public: self.public,
            uploads: self.uploads,
            ..defaults
        };
        let open = self.open;
        let ready = |link: &str| {
            println!("{link}  (Ctrl-C ends it)");
            if open && let Err(error) = open::that_detached(link) {
                eprintln!("warning: cannot open a browser: {error}");
            }
        };
        kanrl_studio::serve(options, registry, ready).map_err(|error| match error {
            kanrl_studio::StudioError::Server(_) => Failure::run(error),
            _ => Failure::input(error),
        })
    }
}

/// What the studio and its processes write is for this user only: others could read runs around the token.
#[cfg(unix)]
fn private_files() {
    use nix::sys::stat::{Mode, umask};
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

#[cfg(not(unix))]
fn private_files() {}
