//! The program under attack.

use crate::shell::{root, run};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a command may take.
const LONGEST: Duration = Duration::from_secs(30);
/// Address space of a command, in kilobytes.
const MEMORY: u64 = 4 << 20;

pub struct Program {
    path: PathBuf,
    /// Everything that is made lies here.
    pub folder: PathBuf,
}

/// How a command ended.
pub struct Ended {
    /// `None` for a signal.
    pub code: Option<i32>,
    pub said: String,
    pub is_late: bool,
    pub ending: String,
}

impl Program {
    /// The program at `built`, or one that is built now.
    pub fn new(built: Option<&Path>) -> Result<Self, String> {
        if built.is_none() {
            run("cargo", &["build", "--package", "kanrl", "--all-features"])?;
        }
        let path = built.map_or_else(|| root().join("target/debug/kanrl"), Path::to_owned);
        let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        let folder = root().join("target/attack");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { path, folder })
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// As [`Self::command`], with little memory.
    fn small(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]).arg(&self.path).args(arguments);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.current_dir(&self.folder).env("NO_COLOR", "1").env("RAYON_NUM_THREADS", "2").stdin(Stdio::null());
        command
            .env("KANRL_PLUGINS", self.folder.join("no-plugins"))
            .env("XDG_CONFIG_HOME", self.folder.join("settings"));
    }

    /// Runs a command to its end, with little memory and time.
    pub fn run(&self, arguments: &[&str]) -> Result<Ended, String> {
        let said = self.folder.join(format!("said-{:?}", std::thread::current().id()));
        let file = std::fs::File::create(&said).map_err(|error| error.to_string())?;
        let mut command = self.small(arguments);
        command.stdout(Stdio::null()).stderr(file);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (status, is_late) = wait(&mut child, LONGEST)?;
        let text = std::fs::read(&said).unwrap_or_default();
        Ok(Ended {
            code: status.code(),
            said: String::from_utf8_lossy(&text).into_owned(),
            is_late,
            ending: status.to_string(),
        })
    }
}

impl Ended {
    /// What is wrong with the end of a command on a hostile file, if anything is.
    pub fn harm(&self) -> Option<String> {
        let last = self.said.lines().last().unwrap_or_default();
        if self.is_late {
            return Some(format!("took more than {} s", LONGEST.as_secs()));
        }
        if self.said.contains("panicked") {
            return Some(format!(
                "a panic: {}",
                self.said.lines().find(|line| line.contains("panicked")).unwrap_or(last)
            ));
        }
        match self.code {
            Some(0) => None,
            Some(1 | 2 | 124) if !self.said.trim().is_empty() => None,
            Some(code) => Some(format!("exit code {code} with the words `{last}`")),
            None => Some(format!("{}: {last}", self.ending)),
        }
    }
}

/// Waits for a child; kills it when it is late.
pub fn wait(child: &mut Child, longest: Duration) -> Result<(std::process::ExitStatus, bool), String> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok((status, false));
        }
        if begin.elapsed() > longest {
            let _ = child.kill();
            return Ok((child.wait().map_err(|error| error.to_string())?, true));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Does `work` with every item on a few threads; the results in the order of the items.
pub fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    // Much of the time is spent with starting and waiting.
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    results.lock().expect("no thread panics").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panics");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A file's bytes.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
