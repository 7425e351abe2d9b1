//! What the world may do to a run: a full disk, a folder that cannot be written, files that are empty or far too large. Each
//! ends in one sentence, without a panic and without losing what was finished.
#![cfg(target_os = "linux")]

mod common;

use common::{files, kanrl};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

/// As little as makes a formula.
const CONFIG: &str = "\
environment.id = 'CartPole-v1'
students = { widths = [[]], rivals = false }
collect = { train_episodes = 2, validation_episodes = 1 }
approximator.steps = 5
dagger.rounds = 0
polish.enabled = false
select.episodes = 2
evaluate = { episodes = 2, robustness_episodes = 0 }
record.videos = false
";

/// `unshare` with the options under which this user may mount a file system of its own, which ends with the process.
static UNSHARE: LazyLock<Option<Vec<&str>>> = LazyLock::new(|| {
    let ways = [vec!["--mount"], vec!["--map-root-user", "--mount"]];
    ways.into_iter().find(|options| {
        let mount = ["sh", "-c", "mount -t tmpfs -o size=64k none /mnt"];
        Command::new("unshare").args(options).args(mount).output().is_ok_and(|output| output.status.success())
    })
});

/// Runs a shell script in which `$1` is a folder, `$2` the command and `mount` is allowed; `None` where it is not.
fn with_mounts(folder: &Path, script: &str) -> Option<Output> {
    let Some(options) = &*UNSHARE else {
        eprintln!("skipped: no file system may be mounted here");
        return None;
    };
    let mut command = Command::new("unshare");
    command.args(options).args(["sh", "-c", script, "sh"]).arg(folder).arg(env!("CARGO_BIN_EXE_kanrl"));
    Some(command.env("NO_COLOR", "1").output().expect("unshare runs"))
}

/// An error's words without the frame that is drawn around them.
fn words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("panicked"), "{text}");
    let words = text.split(|c: char| c.is_whitespace() || "│×╰─▶".contains(c)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A folder with `run.toml` and the whole run `whole`.
fn whole_run() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("run.toml"), CONFIG).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let output = kanrl(&["extract", "--config", &path("run.toml"), "--out", &path("whole")]).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    folder
}

#[test]
fn a_run_that_filled_the_disk_is_resumed_to_the_same_files() {
    let folder = whole_run();
    std::fs::create_dir(folder.path().join("disk")).unwrap();
    let script = "cd \"$1\"; mount -t tmpfs -o size=60k none disk || exit 10
        \"$2\" extract --config run.toml --out disk/run; test $? -eq 1 || exit 11
        mount -o remount,size=64m disk || exit 12
        \"$2\" resume disk/run && cp -r disk/run resumed";
    let Some(output) = with_mounts(folder.path(), script) else { return };
    let text = words(&output);
    assert!(output.status.success(), "{}: {text}", output.status);
    assert!(text.contains("No space left on device") && text.contains("kanrl resume disk/run"), "{text}");
    let [whole, resumed] = ["whole", "resumed"].map(|name| files(&folder.path().join(name)));
    assert_eq!(whole.keys().collect::<Vec<_>>(), resumed.keys().collect::<Vec<_>>());
    assert!(whole == resumed, "a file differs");
}

#[test]
fn a_file_that_may_not_grow_ends_the_run_and_leaves_no_half_of_it() {
    let folder = whole_run();
    // The limit is in blocks of 512 bytes or of 1 KiB, by the shell; without the trap a signal would end the process.
    let script = "trap '' XFSZ; ulimit -f 6; exec \"$2\" extract --config \"$1/run.toml\" --out \"$1/run\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(folder.path()).arg(env!("CARGO_BIN_EXE_kanrl")).env("NO_COLOR", "1");
    let output = command.output().unwrap();
    let text = words(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("File too large") && text.contains("cannot write"), "{text}");
    let (whole, run) = (files(&folder.path().join("whole")), files(&folder.path().join("run")));
    assert!(run.keys().any(|name| name.ends_with("stage.json")), "something was finished: {:?}", run.keys());
    for (name, bytes) in &run {
        assert!(whole.get(name) == Some(bytes), "{name} is not what it should be");
    }
}

#[test]
fn folders_that_cannot_be_written_are_refused_with_the_reason() {
    let folder = whole_run();
    std::fs::create_dir(folder.path().join("disk")).unwrap();
    let script = "cd \"$1\"; mount -t tmpfs none disk && cp -r whole disk/run && mount -o remount,ro disk || exit 10
        \"$2\" extract --config run.toml --out disk/new; test $? -eq 2 || exit 11
        \"$2\" resume disk/run; test $? -eq 2 || exit 12
        \"$2\" runs list disk || exit 13";
    if let Some(output) = with_mounts(folder.path(), script) {
        let text = words(&output);
        assert!(output.status.success(), "{}: {text}", output.status);
        assert!(text.contains("Read-only file system"), "{text}");
        assert!(text.contains("cannot write disk/new") && text.contains("cannot write disk/run"), "{text}");
    }
    let path = |name: &str| folder.path().join(name).display().to_string();
    let output = kanrl(&["extract", "CartPole-v1", "--out", &path("run.toml")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert!(words(&output).contains("run.toml"), "{}", words(&output));
}

/// Runs the command in 1 GiB of address space, so that an input of a gigabyte cannot be held.
fn in_a_gigabyte(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 1048576; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_kanrl")]).args(arguments);
    command.current_dir(folder).env("NO_COLOR", "1").env("RAYON_NUM_THREADS", "2").output().expect("sh runs")
}

/// Every way to name a file on the command line, and what becomes of its name.
const READERS: [(&str, &[&str]); 12] = [
    ("agent.zip", &["extract", "CartPole-v1", "--out", "run", "--expert"]),
    ("expert.safetensors", &["extract", "CartPole-v1", "--out", "run", "--expert"]),
    ("formula.json", &["extract", "CartPole-v1", "--out", "run", "--expert"]),
    ("run.toml", &["extract", "CartPole-v1", "--out", "run", "--config"]),
    ("run.json", &["extract", "CartPole-v1", "--out", "run", "--config"]),
    ("run.toml", &["config", "check"]),
    ("agent.zip", &["evaluate", "CartPole-v1", "--policy"]),
    ("formula.json", &["export", "--to", "c"]),
    ("states.npz", &["act", "formula:theta", "--environment", "CartPole-v1", "--out", "actions.csv", "--observations"]),
    ("states.npy", &["act", "formula:theta", "--environment", "CartPole-v1", "--out", "actions.csv", "--observations"]),
    ("states.csv", &["act", "formula:theta", "--environment", "CartPole-v1", "--out", "actions.csv", "--observations"]),
    ("libmine.so", &["env", "list", "--plugin"]),
];

fn refused_everywhere(bytes: u64) {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in READERS {
        let file = std::fs::File::create(folder.path().join(name)).unwrap();
        // Without blocks on the disk: all of it reads as zeros.
        file.set_len(bytes).unwrap();
        let arguments: Vec<&str> = arguments.iter().copied().chain([name]).collect();
        let output = in_a_gigabyte(folder.path(), &arguments);
        let text = words(&output);
        // An empty config is one of defaults.
        if bytes == 0 && name == "run.toml" && arguments[0] == "config" {
            assert!(output.status.success(), "{arguments:?}: {text}");
        } else if !(bytes == 0 && name == "run.toml") {
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
            assert!(text.contains(name), "{arguments:?}: {text}");
        }
        std::fs::remove_file(folder.path().join(name)).unwrap();
        let _ = std::fs::remove_dir_all(folder.path().join("run"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?} left something behind");
    }
}

#[test]
fn empty_files_are_refused_by_name() {
    refused_everywhere(0);
}

#[test]
fn files_of_a_gigabyte_are_refused_by_name_and_never_held() {
    refused_everywhere(1 << 30);
}

/// Every file and folder of a run, with its permissions.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = vec![(folder.display().to_string(), folder.metadata().unwrap().permissions().mode() & 0o777)];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modes(&path));
        } else {
            found.push((path.display().to_string(), path.metadata().unwrap().permissions().mode() & 0o777));
        }
    }
    found
}

#[test]
fn a_run_s_files_have_the_permissions_that_the_umask_leaves() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("run.toml"), CONFIG).unwrap();
    for (umask, of_folders, of_files) in [("077", 0o700, 0o600), ("022", 0o755, 0o644), ("027", 0o750, 0o640)] {
        let script = format!(
            "umask {umask}; \"$0\" --quiet extract --config run.toml --out {umask} && \"$0\" export run:{umask} --to c --out \
             {umask}/policy.c && \"$0\" --quiet resume {umask} --from select"
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_kanrl")]).current_dir(folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", words(&output));
        for (path, mode) in modes(&folder.path().join(umask)) {
            let expected = if Path::new(&path).is_dir() { of_folders } else { of_files };
            assert_eq!(mode, expected, "{path}: {mode:o}");
        }
    }
}
