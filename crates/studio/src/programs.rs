//! Child processes: what is long or may crash runs in one, so that the server stays up.

use crate::Options;
use crate::work::SUBCOMMAND;
use kanrl_pipeline::run::{RunFile, RunStore};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Semaphore;

/// How long a process may take to end when it is asked to, before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long checking a config may take.
const CHECK: Duration = Duration::from_secs(60);
/// How long a film may take.
const FILM: Duration = Duration::from_secs(300);
/// What is kept of what a process says about its failure, in bytes.
const MOST_WORDS: usize = 16 << 10;
/// How long is waited for them after its end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Largest answer of a worker that is read, in bytes.
const LARGEST_ANSWER: u64 = 64 << 20;

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did what it was asked.
    Well,
    /// It was stopped.
    Stopped,
    /// It failed, and said this.
    Badly(String),
}

/// Starts kanrl's own program.
pub struct Programs {
    program: PathBuf,
    arguments: Vec<OsString>,
    films: Semaphore,
}

impl Programs {
    pub fn new(options: &Options) -> Self {
        let (program, arguments) = (options.program.clone(), options.arguments.clone());
        Self { program, arguments, films: Semaphore::new(1) }
    }

    /// Whether a config would run.
    ///
    /// # Errors
    /// What the process said.
    pub async fn check(&self, config: &Path) -> Result<(), String> {
        let arguments = ["config".as_ref(), "check".as_ref(), config.as_os_str()];
        match self.run(arguments, tokio::time::sleep(CHECK)).await {
            Ending::Well => Ok(()),
            Ending::Stopped => Err(format!("checking the settings took longer than {} seconds", CHECK.as_secs())),
            Ending::Badly(words) => Err(words),
        }
    }

    /// Extracts into the folder of `run`, which holds the config.
    pub async fn extract(&self, run: &RunStore, stop: impl Future<Output = ()>) -> Ending {
        let config = run.path_of(RunFile::Config);
        let arguments = ["extract".as_ref(), "--config".as_ref(), config.as_os_str(), "--out".as_ref()];
        self.run(arguments.into_iter().chain([run.path().as_os_str()]), stop).await
    }

    /// Resumes `folder`'s run.
    pub async fn resume(&self, folder: &Path, stop: impl Future<Output = ()>) -> Ending {
        self.run(["resume".as_ref(), folder.as_os_str()], stop).await
    }

    /// Films an episode of a policy into `file`, unless that exists. One film at a time.
    ///
    /// # Errors
    /// What the process said.
    pub async fn film(&self, environment: &str, policy: &OsStr, file: &Path) -> Result<(), String> {
        let _one = self.films.acquire().await.map_err(|error| error.to_string())?;
        if file.is_file() {
            return Ok(());
        }
        let arguments = ["play", "--captions", "--out"].map(OsStr::new);
        let arguments = arguments.into_iter().chain([file.as_os_str(), "--policy".as_ref(), policy, "--".as_ref()]);
        match self.run(arguments.chain([environment.as_ref()]), tokio::time::sleep(FILM)).await {
            Ending::Well => Ok(()),
            Ending::Stopped => Err(format!("the film took longer than {} seconds", FILM.as_secs())),
            Ending::Badly(words) => Err(words),
        }
    }

    /// What a worker answers to this request. Where the future is dropped, the worker is killed.
    ///
    /// # Errors
    /// What the process said where it failed.
    pub async fn work(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        std::fs::write(file.path(), request).map_err(|error| error.to_string())?;
        let mut command = self.command([SUBCOMMAND.as_ref(), file.path().as_os_str()]);
        command.stdout(Stdio::piped());
        let mut child = self.start(&mut command)?;
        let _group = Group(child.id());
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let listening = child.stderr.take().map(|stderr| tokio::spawn(listen(stderr, Arc::clone(&said))));
        let mut answer = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(LARGEST_ANSWER).read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
        }
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(answer);
        }
        if let Some(listening) = listening {
            let _ = tokio::time::timeout(LAST_WORDS, listening).await;
        }
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        Err(sentence(&String::from_utf8_lossy(&said), status))
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--quiet").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        // A terminal's Ctrl-C is for the studio, which then asks its processes to end.
        #[cfg(unix)]
        command.process_group(0);
        // They end with this process, however it ends.
        command.env("KANRL_PARENT", std::process::id().to_string());
        // The whole width on one line: the page wraps by itself.
        command.env("NO_COLOR", "1").env_remove("KANRL_LOG");
        command
    }

    fn start(&self, command: &mut Command) -> Result<Child, String> {
        command.spawn().map_err(|error| format!("cannot start {}: {error}", self.program.display()))
    }

    async fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>, stop: impl Future<Output = ()>) -> Ending {
        let mut child = match self.start(&mut self.command(arguments)) {
            Ok(child) => child,
            Err(error) => return Ending::Badly(error),
        };
        let group = Group(child.id());
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let reader = child.stderr.take().map(|stderr| tokio::spawn(listen(stderr, Arc::clone(&said))));
        let (status, stopped) = tokio::select! {
            status = child.wait() => (status, false),
            () = stop => (end(&mut child).await, true),
        };
        // What it started itself goes with it.
        drop(group);
        if let Some(reader) = reader {
            // Something it started may still hold the other end.
            let _ = tokio::time::timeout(LAST_WORDS, reader).await;
        }
        let said = String::from_utf8_lossy(&said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        match status {
            Ok(status) if status.success() => Ending::Well,
            _ if stopped => Ending::Stopped,
            Ok(status) if status.code() == Some(130) => Ending::Stopped,
            Ok(status) => Ending::Badly(sentence(&said, status)),
            Err(error) => Ending::Badly(error.to_string()),
        }
    }
}

/// A process and those that it started, which are killed with the value.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        signal(self.0, Strength::Kill);
    }
}

/// Keeps the beginning of what a process says, and reads the rest, so that it never waits for a reader.
async fn listen(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_WORDS - said.len().min(MOST_WORDS);
        said.extend_from_slice(&chunk[..count.min(room)]);
    }
}

/// Asks a process to end, and kills it if it does not.
async fn end(child: &mut Child) -> std::io::Result<ExitStatus> {
    signal(child.id(), Strength::Interrupt);
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            child.start_kill()?;
            child.wait().await
        }
    }
}

enum Strength {
    Interrupt,
    Kill,
}

/// Tells a process and those that it started: each has a group of its own.
#[cfg(unix)]
fn signal(id: Option<u32>, strength: Strength) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = match strength {
        Strength::Interrupt => Signal::INT,
        Strength::Kill => Signal::KILL,
    };
    if let Some(id) = id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        let _ = kill_process_group(id, signal);
    }
}

/// Elsewhere there is only the end that [`Child::start_kill`] brings.
#[cfg(not(unix))]
fn signal(_id: Option<u32>, _strength: Strength) {}

/// What a process said on its standard error, without the terminal's drawing.
fn sentence(said: &str, status: ExitStatus) -> String {
    let undrawn = said.lines().map(|line| {
        let line = line.trim().trim_start_matches("Error:").trim_start();
        let continues = line.starts_with('│');
        (line.trim_start_matches(['×', '│', '╰', '├', '─', '▶', '╭', '·', ' ']), continues)
    });
    let mut sentences: Vec<String> = Vec::new();
    for (line, continues) in undrawn.filter(|(line, _)| !line.is_empty()) {
        match sentences.last_mut() {
            Some(last) if continues => {
                last.push(' ');
                last.push_str(line);
            }
            _ => sentences.push(line.to_owned()),
        }
    }
    match sentences.is_empty() {
        false => sentences.join("\n"),
        true => format!("the process ended without a message ({status})"),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::{Ending, Programs, sentence};
    use crate::Options;
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::ExitStatus;
    use std::time::Duration;

    fn shell(script: &str) -> Programs {
        let mut options = Options::new("/bin/sh".into());
        options.arguments = vec!["-c".into(), script.into()];
        Programs::new(&options)
    }

    fn run(script: &str, stop: Duration) -> Ending {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { shell(script).resume(Path::new("."), tokio::time::sleep(stop)).await })
    }

    #[test]
    fn a_process_ends_well_badly_or_because_it_was_asked_to() {
        let long = Duration::from_secs(60);
        assert_eq!(run("exit 0", long), Ending::Well);
        assert_eq!(run("echo '  × no such thing' >&2; exit 2", long), Ending::Badly("no such thing".to_owned()));
        assert_eq!(run("exit 130", long), Ending::Stopped);
        assert_eq!(run("trap 'exit 1' INT; sleep 30 & wait", Duration::from_millis(300)), Ending::Stopped);
        let Ending::Badly(words) = run("kill -SEGV $$", long) else { panic!("it was killed") };
        assert!(words.contains("signal"), "{words}");
    }

    #[test]
    fn what_a_terminal_draws_becomes_sentences() {
        let said = "Error:   × stage `fit` failed\n  ╰─▶ the loss is\n      │ not finite\n  help: use `x`\n";
        let words = sentence(said, ExitStatus::from_raw(256));
        assert_eq!(words, "stage `fit` failed\nthe loss is not finite\nhelp: use `x`");
    }
}
