//! Plugins run in a process of their own: what one does to it is an error that names the plugin.
#![cfg(unix)]

use kanrl_pipeline::run::RunStore;
use kanrl_pipeline::run::provenance::Provenance;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The library of a package that this one depends on for its tests: Cargo puts it beside the test programs.
fn library(package: &str) -> String {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().join(format!("{DLL_PREFIX}{package}{DLL_SUFFIX}")).display().to_string()
}

fn kanrl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanrl"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env("KANRL_PLUGINS", folder.join("plugins"));
    command.env("XDG_CONFIG_HOME", folder.join("settings"));
    command
}

/// Exit code, standard output, and standard error without its line breaks.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = kanrl(folder, arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stderr);
    let words: Vec<&str> =
        said.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty()).collect();
    (output.status.code(), text(&output.stdout), words.join(" "))
}

/// A library whose code runs when it is loaded; `None` where there is no C compiler.
fn loaded_with(folder: &Path, name: &str, code: &str) -> Option<PathBuf> {
    let (source, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}{DLL_SUFFIX}")));
    let text = format!("#include <stdlib.h>\n__attribute__((constructor)) static void start(void) {{ {code} }}\n");
    std::fs::write(&source, text).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    compiled.is_ok_and(|status| status.success()).then_some(library)
}

fn write_config(folder: &Path, fault: &str, seed: u64) {
    let config = format!(
        "seed = {seed}\nstages = [\"collect\"]\n[environment]\nid = \"Faulty-v0\"\n\
         arguments = {{ place = \"step\", fault = \"{fault}\", after = 3 }}\n[expert]\nkind = \"formula\"\n\
         expression = \"count\"\n[collect]\ntrain_episodes = 1\nvalidation_episodes = 1\n"
    );
    std::fs::write(folder.join("run.toml"), config).unwrap();
}

#[test]
fn whatever_happens_while_a_plugin_is_loaded_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("leaves", "exit(0);", "ended its process, with exit code 0"),
        ("fails", "exit(7);", "ended its process, with exit code 7"),
        ("crashes", "*(volatile int *)0 = 1;", "SIGSEGV"),
        ("aborts", "abort();", "SIGABRT"),
    ];
    for (name, code, says) in cases {
        let Some(plugin) = loaded_with(folder.path(), name, code) else { return eprintln!("skipped: no C compiler") };
        let plugin = plugin.display().to_string();
        for arguments in [&["env", "list", "--plugin", &plugin][..], &["plugins", "list", &plugin]] {
            let (status, _, said) = run(folder.path(), arguments);
            assert_eq!(status, Some(1), "{arguments:?}: {said}");
            assert!(said.replace(' ', "").contains(&format!("plugin`{plugin}`")) && said.contains(says), "{said}");
        }
    }
    // What lies in the folder disturbs nobody who does not need it.
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::copy(folder.path().join(format!("crashes{DLL_SUFFIX}")), folder.path().join("plugins/crashes.so"))
        .unwrap();
    let evaluate = ["evaluate", "CartPole-v1", "--policy", "formula:theta", "--episodes", "1"];
    assert_eq!(run(folder.path(), &evaluate).0, Some(0));
    let (status, _, said) = run(folder.path(), &["env", "list"]);
    assert!(status == Some(1) && said.contains("SIGSEGV"), "{said}");
}

#[test]
fn a_run_whose_plugin_crashes_or_exits_has_failed_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = library("kanrl_plugin_tests");
    for (fault, says) in [("crash", "SIGABRT"), ("exit", "with exit code 0, before the work was done")] {
        write_config(folder.path(), fault, 0);
        let (status, _, said) =
            run(folder.path(), &["extract", "--config", "run.toml", "--out", fault, "--plugin", &plugin]);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("kanrl_plugin_tests") && said.contains(says), "{said}");
        let provenance = Provenance::read(&RunStore::open(folder.path().join(fault)).unwrap()).unwrap();
        let outcome = provenance.executions.last().unwrap().outcome.clone().unwrap_or_default();
        assert!(outcome.contains("kanrl_plugin_tests") && outcome.contains(says), "{outcome}");
    }
}

#[test]
fn what_a_plugin_prints_is_not_part_of_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = library("kanrl_plugin_tests");
    write_config(folder.path(), "print", 0);
    let arguments = ["extract", "--config", "run.toml", "--out", "run", "--json", "--plugin", &plugin];
    let (status, printed, said) = run(folder.path(), &arguments);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("a plugin says what nobody asked"), "{said}");
    serde_json::from_str::<serde_json::Value>(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    if let Some(loud) = loaded_with(folder.path(), "loud", "extern int puts(const char *); puts(\"hello\");") {
        let (_, printed, _) = run(folder.path(), &["env", "list", "--json", "--plugin", &loud.display().to_string()]);
        assert!(!printed.contains("hello"), "{printed}");
    }
}

#[test]
fn a_worker_ends_with_the_process_that_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), "hang", 0);
    let plugin = library("kanrl_plugin_tests");
    let arguments = ["extract", "--config", "run.toml", "--out", "run", "--plugin", &plugin];
    let mut child = kanrl(folder.path(), &arguments).stderr(Stdio::null()).spawn().unwrap();
    let is_in_use = || RunStore::open(folder.path().join("run")).is_ok_and(|run| run.is_in_use());
    until("it runs", is_in_use);
    child.kill().unwrap();
    child.wait().unwrap();
    until("nothing runs any more", || !is_in_use());
    // And an interrupt to the one reaches the other.
    let mut child = kanrl(folder.path(), &arguments).stderr(Stdio::null()).spawn().unwrap();
    until("it runs again", is_in_use);
    for _ in 0..2 {
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        std::thread::sleep(Duration::from_millis(800));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!is_in_use());
}

/// Runs at a terminal of its own, and types this answer; the exit code, and what was shown. `None` without the tool `script`.
fn at_a_terminal(folder: &Path, arguments: &[&str], answer: &str) -> Option<(Option<i32>, String)> {
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    let command = format!("'{}' {}", env!("CARGO_BIN_EXE_kanrl"), quoted.join(" "));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    script.env("XDG_CONFIG_HOME", folder.join("settings")).env("KANRL_PLUGINS", folder.join("plugins"));
    let mut child = script.spawn().ok()?;
    let mut keyboard = child.stdin.take().unwrap();
    // The terminal ends with the keyboard, so it stays until the end.
    std::io::Write::write_all(&mut keyboard, format!("{answer}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
fn a_config_s_plugin_is_asked_about_at_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_config(folder, "error", 0);
    let config =
        std::fs::read_to_string(folder.join("run.toml")).unwrap().replace("place = \"step\"", "place = \"nowhere\"");
    let plugin = library("kanrl_plugin_tests");
    std::fs::write(folder.join("run.toml"), format!("plugins = [\"{plugin}\"]\n{config}")).unwrap();
    let answered = |out: &str, answer: &str| {
        at_a_terminal(folder, &["--quiet", "extract", "--config", "run.toml", "--out", out], answer)
    };
    let Some((status, said)) = answered("no", "n") else { return eprintln!("skipped: there is no `script`") };
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("Run it?") && said.contains("kanrl_plugin_tests"), "{said}");
    assert!(!folder.join("no").exists());
    let (status, said) = answered("yes", "y").unwrap();
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = answered("again", "").unwrap();
    assert_eq!(status, Some(2), "once is once: {said}");
    let (status, said) = answered("always", "a").unwrap();
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = answered("trusted", "").unwrap();
    assert!(status == Some(0) && !said.contains("Run it?"), "{said}");
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
