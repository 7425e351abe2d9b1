//! Environments from plugins on the command line: the whole journey, where plugins come from, and what goes wrong.

use kanrl_pipeline::run::{RunFile, RunStore};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The library of a package that this one depends on for its tests: Cargo puts it next to the test programs.
fn library(package: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().join(format!("{DLL_PREFIX}{package}{DLL_SUFFIX}"))
}

struct Outcome {
    status: Option<i32>,
    stdout: String,
    /// Unwrapped.
    stderr: String,
}

/// Runs in `folder`; the plugin folder is `folder/plugins`.
fn kanrl(folder: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanrl"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env("KANRL_PLUGINS", folder.join("plugins"));
    command.env("XDG_CONFIG_HOME", folder.join("settings"));
    let Output { status, stdout, stderr } = command.output().expect("kanrl runs");
    let stderr = String::from_utf8(stderr).unwrap();
    let words = stderr.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
    let stderr = words.collect::<Vec<_>>().join(" ");
    Outcome { status: status.code(), stdout: String::from_utf8(stdout).unwrap(), stderr }
}

#[track_caller]
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let outcome = kanrl(folder, arguments);
    assert_eq!(outcome.status, Some(0), "{arguments:?}: {}", outcome.stderr);
    outcome.stdout
}

/// Asserts the exit code and that stderr (without its line breaks and blanks) has all parts.
#[track_caller]
fn fails(folder: &Path, arguments: &[&str], status: i32, parts: &[&str]) {
    let outcome = kanrl(folder, arguments);
    assert_eq!(outcome.status, Some(status), "{arguments:?}: {}", outcome.stderr);
    for part in parts {
        let packed = |text: &str| text.replace(' ', "");
        assert!(packed(&outcome.stderr).contains(&packed(part)), "`{part}` is not in: {}", outcome.stderr);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A run that takes seconds.
const SMALL: &str = "
[collect]
train_episodes = 3
validation_episodes = 1
[dagger]
rounds = 1
steps = 100
validation_episodes = 2
[polish]
environment_steps = 5000
[select]
episodes = 4
[evaluate]
episodes = 4
[approximator]
hidden = []
";

#[test]
fn the_whole_journey_from_training_to_resuming() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let original = library("cart_two_poles");
    let plugin = folder.join("copy.so");
    std::fs::copy(&original, &plugin).unwrap();

    let trained = ["train-expert", "CartTwoPoles-v0", "--timesteps", "4096", "--out", "expert.safetensors"];
    succeeds(folder, &[&["--plugin", "copy.so"], &trained[..]].concat());
    std::fs::write(folder.join("run.toml"), format!("plugins = [\"copy.so\"]\n{SMALL}")).unwrap();
    let extract =
        ["extract", "CartTwoPoles-v0", "--expert", "expert.safetensors", "--config", "run.toml", "--out", "run"];
    fails(folder, &extract, 2, &["names the plugin", "copy.so", "--allow-plugins", "kanrl plugins trust"]);
    assert!(!folder.join("run").exists());
    let printed = succeeds(folder, &[&extract[..], &["--allow-plugins"]].concat());
    assert!(printed.contains("θ"), "the formula is in the plugin's own names:\n{printed}");
    let run = folder.join("run");
    let store = RunStore::open(&run).unwrap();
    for file in [RunFile::Metrics, RunFile::Latex, RunFile::ExpertVideo, RunFile::FormulaVideo, RunFile::Report] {
        assert!(store.has(file), "{file}");
    }

    // The config that the run keeps names the plugin, wherever one resumes from.
    let config: toml::Table = store.read_text(RunFile::Config).unwrap().parse().unwrap();
    let recorded = config["plugins"][0].as_table().unwrap();
    assert_eq!(recorded["path"].as_str(), Some(text(&plugin.canonicalize().unwrap())));
    assert_eq!(recorded["sha256"].as_str(), Some(kanrl_plugin::sha256(&plugin).unwrap().as_str()));
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("expert.safetensors"), elsewhere.path().join("expert.safetensors")).unwrap();
    let metrics = store.read(RunFile::Metrics).unwrap();
    let resume = ["resume", text(&run), "--from", "evaluate"];
    fails(elsewhere.path(), &resume, 2, &["names the plugin"]);
    succeeds(elsewhere.path(), &[&resume[..], &["--plugin", text(&original)]].concat());
    succeeds(elsewhere.path(), &["plugins", "trust", text(&plugin)]);
    succeeds(elsewhere.path(), &resume);
    assert_eq!(store.read(RunFile::Metrics).unwrap(), metrics);

    let mut changed = std::fs::read(&plugin).unwrap();
    changed.push(0);
    std::fs::remove_file(&plugin).unwrap();
    std::fs::write(&plugin, changed).unwrap();
    fails(folder, &["resume", "run"], 2, &["copy.so", "names the plugin"]);
    fails(folder, &["resume", "run", "--allow-plugins"], 2, &["copy.so", "has changed", "put that library back"]);
    std::fs::remove_file(&plugin).unwrap();
    fails(folder, &["resume", "run"], 2, &["copy.so", "No such file", "--plugin"]);
    let other = library("kanrl_plugin_tests");
    fails(folder, &["resume", "run", "--plugin", text(&other)], 2, &["copy.so", "No such file"]);
    // A copy of it elsewhere does as well, and the run's config stays as it is.
    let config = store.read(RunFile::Config).unwrap();
    succeeds(folder, &["resume", "run", "--from", "evaluate", "--plugin", text(&original)]);
    assert_eq!(store.read(RunFile::Config).unwrap(), config);
    assert_eq!(store.read(RunFile::Metrics).unwrap(), metrics);
}

#[test]
fn plugins_come_from_the_command_line_and_the_folder_but_not_from_the_working_directory() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let name = format!("{DLL_PREFIX}cart_two_poles{DLL_SUFFIX}");
    std::fs::copy(library("cart_two_poles"), folder.join(&name)).unwrap();
    let listed = |arguments: &[&str]| succeeds(folder, &[&["env", "list"], arguments].concat());
    assert!(!listed(&[]).contains("CartTwoPoles-v0"));
    assert!(listed(&["--plugin", &name]).contains("CartTwoPoles-v0"));
    fails(folder, &["extract", "CartTwoPoles-v0"], 2, &["unknown environment `CartTwoPoles-v0`"]);

    let plugins = folder.join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    std::fs::rename(folder.join(&name), plugins.join(&name)).unwrap();
    std::fs::write(plugins.join(format!("broken{DLL_SUFFIX}")), "no library").unwrap();
    std::fs::write(plugins.join("README.txt"), "no plugin").unwrap();
    assert!(listed(&[]).contains("CartTwoPoles-v0"));
    let outcome = kanrl(folder, &["plugins", "list"]);
    for part in ["cart-two-poles", "CartTwoPoles-v0", "short_pole", "sha256", text(&plugins)] {
        assert!(outcome.stdout.contains(part), "`{part}` is not in: {}", outcome.stdout);
    }
    // A library that is broken is said, and the others are there all the same.
    assert!(outcome.status == Some(0) && outcome.stderr.contains("broken"), "{}", outcome.stderr);

    // A copy that is named comes before the one in the folder.
    std::fs::copy(plugins.join(&name), folder.join("newer.so")).unwrap();
    let config = succeeds(folder, &["config", "show", "CartTwoPoles-v0", "--plugin", "newer.so"]);
    assert!(config.contains("newer.so"), "{config}");
    let config = succeeds(folder, &["config", "show", "CartTwoPoles-v0"]);
    assert!(config.contains(text(&plugins.join(&name))), "{config}");
    let config = succeeds(folder, &["config", "show", "CartPole-v1", "--plugin", "newer.so"]);
    assert!(!config.contains("newer.so"), "a plugin that is not used is not recorded: {config}");
}

#[test]
fn the_plugin_folder_is_the_user_s_and_absolute() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("kanrl/plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::copy(library("cart_two_poles"), plugins.join(format!("poles{DLL_SUFFIX}"))).unwrap();
    let list = |variable: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanrl"));
        command.args(["plugins", "list"]).current_dir(folder.path()).env_remove("KANRL_PLUGINS");
        command.env("XDG_DATA_HOME", folder.path()).envs(variable.map(|folder| ("KANRL_PLUGINS", folder)));
        let output = command.output().expect("kanrl runs");
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    if cfg!(target_os = "linux") {
        assert!(list(None).1.contains("CartTwoPoles-v0"));
    }
    // Empty: none. Relative: the working directory by accident.
    assert_eq!(list(Some("")).1, "no plugins\n");
    let (status, _, stderr) = list(Some("kanrl/plugins"));
    assert!(status == Some(2) && stderr.contains("relative path"), "{stderr}");
    let absent = list(Some("/absent/plugins"));
    assert!(absent.0 == Some(0) && absent.1.contains("no plugins"), "{absent:?}");
}

#[test]
fn several_plugins_and_both_places_of_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let (poles, tests) = (library("cart_two_poles"), library("kanrl_plugin_tests"));
    let flags = ["--plugin", text(&poles), "--plugin", text(&tests)];
    let [before, after] = [&flags[..2], &flags[2..]];
    for arguments in [
        [&flags[..], &["env", "list"]].concat(),
        [&["env", "list"], &flags[..]].concat(),
        [before, &["env"], after, &["list"]].concat(),
        [before, &["env", "list"], after].concat(),
    ] {
        let listed = succeeds(folder.path(), &arguments);
        assert!(listed.contains("CartTwoPoles-v0") && listed.contains("plugin:CartPole-v1"), "{listed}");
    }
}

#[test]
fn a_plugin_is_listed_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (poles, tests) = (library("cart_two_poles"), library("kanrl_plugin_tests"));
    let listed = succeeds(folder.path(), &["plugins", "list", text(&tests)]);
    assert!(listed.contains("Faulty-v0") && listed.contains("fails on demand"), "{listed}");

    let outcome = kanrl(folder.path(), &["plugins", "check", text(&poles)]);
    assert!(outcome.status == Some(0) && outcome.stdout.contains("CartTwoPoles-v0: ok"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("running the code of"), "{}", outcome.stderr);
    let checked = succeeds(folder.path(), &["plugins", "check", text(&tests), "Faulty-v0"]);
    assert!(!checked.contains("CartPole"), "{checked}");
    fails(folder.path(), &["plugins", "check", "absent.so"], 1, &["absent.so", "No such file"]);
}

#[test]
fn anything_but_a_plugin_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text.so");
    std::fs::write(&file, "no library").unwrap();
    fails(folder.path(), &["env", "list", "--plugin", "text.so"], 2, &["text.so", "cannot be loaded"]);
    fails(folder.path(), &["env", "list", "--plugin", "absent.so"], 2, &["absent.so", "No such file"]);
    fails(folder.path(), &["env", "list", "--plugin-limit", "soon"], 2, &["`soon` is not a number of seconds"]);
    std::fs::write(folder.path().join("run.toml"), "plugins = [\"text.so\"]").unwrap();
    let extract = ["extract", "CartPole-v1", "--config", "run.toml", "--allow-plugins"];
    fails(folder.path(), &extract, 2, &["text.so", "cannot be loaded"]);
}

#[test]
fn a_step_that_hangs_ends_the_run_after_the_limit_and_names_the_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let config = "
[environment]
id = \"Faulty-v0\"
arguments = { place = \"step\", fault = \"hang\", after = 3 }
[expert]
kind = \"formula\"
expression = \"count\"
";
    std::fs::write(folder.path().join("run.toml"), config).unwrap();
    let library = library("kanrl_plugin_tests");
    let arguments =
        ["extract", "--config", "run.toml", "--out", "run", "--plugin", text(&library), "--plugin-limit", "0.5"];
    fails(folder.path(), &arguments, 124, &["kanrl_plugin_tests", "did not return within 0.5 s"]);
    // What was decided is there, and a run that goes on finds it.
    assert!(RunStore::open(folder.path().join("run")).is_ok());
}

#[test]
fn a_sweep_s_runs_have_its_plugins_and_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = "
[base]
environment.id = \"Faulty-v0\"
expert = { kind = \"formula\", expression = \"count\" }
collect = { train_episodes = 1, validation_episodes = 1 }
stages = [\"collect\"]
[grid]
environment.arguments = [
    { place = \"step\", fault = \"hang\", after = 3 },
    { place = \"step\", fault = \"panic\", after = 3 },
    { place = \"step\", fault = \"crash\", after = 3 },
    { place = \"nowhere\" },
]
";
    std::fs::write(folder.path().join("grid.toml"), sweep).unwrap();
    let library = library("kanrl_plugin_tests");
    for place in ["--out", "--join"] {
        let out = format!("sweep{place}");
        let arguments =
            ["sweep", "grid.toml", place, &out, "--plugin", text(&library), "--plugin-limit", "0.5", "--workers", "2"];
        fails(folder.path(), &arguments, 1, &["3 of 4 runs failed"]);
        let summary = std::fs::read_to_string(folder.path().join(&out).join("summary.csv")).unwrap();
        assert!(
            summary.contains("did not return within 0.5 s") && summary.contains("the wheels came off"),
            "{summary}"
        );
        assert_eq!((summary.matches(",done,").count(), summary.matches(",failed,").count()), (1, 3), "{summary}");
        let logs = std::fs::read_dir(folder.path().join(&out).join("logs")).unwrap();
        let logs: Vec<String> = logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap()).collect();
        assert_eq!(logs.iter().filter(|log| log.contains("the wheels came off")).count(), 1, "each has its own log");
    }
}

#[test]
fn an_error_inside_a_plugin_ends_the_run_and_names_plugin_and_function() {
    let folder = tempfile::tempdir().unwrap();
    let library = library("kanrl_plugin_tests");
    for (fault, says) in [("error", "out of oil"), ("panic", "the wheels came off"), ("nan", "NaN")] {
        let config = format!(
            "[environment]\nid = \"Faulty-v0\"\narguments = {{ place = \"step\", fault = \"{fault}\", after = 3 }}\n\
             [expert]\nkind = \"formula\"\nexpression = \"count\"\n"
        );
        std::fs::write(folder.path().join("run.toml"), config).unwrap();
        let arguments = ["extract", "--config", "run.toml", "--out", fault, "--plugin", text(&library)];
        fails(folder.path(), &arguments, 1, &["kanrl_plugin_tests", "step", says]);
    }
}

#[test]
fn a_config_is_checked_without_running_anybody_s_code() {
    let folder = tempfile::tempdir().unwrap();
    // Loading it would fail: nothing is loaded.
    std::fs::write(folder.path().join("evil.so"), "no library").unwrap();
    std::fs::write(folder.path().join("run.toml"), "plugins = [\"evil.so\"]\nenvironment.id = \"Evil-v0\"\n").unwrap();
    let checked = succeeds(folder.path(), &["config", "check", "run.toml"]);
    assert!(checked.contains("run.toml is fine") && checked.contains("`Evil-v0` is not built in"), "{checked}");
    let checked = succeeds(folder.path(), &["config", "check", "run.toml", "--json", "--allow-plugins"]);
    assert!(checked.contains("\"environment_is_checked\": false"), "{checked}");
    std::fs::write(folder.path().join("run.toml"), "environment.id = \"Evil-v0\"\n").unwrap();
    fails(folder.path(), &["config", "check", "run.toml"], 2, &["unknown environment `Evil-v0`"]);
    std::fs::write(folder.path().join("run.toml"), "plugins = [\"evil.so\"]\n[collekt]\n").unwrap();
    fails(folder.path(), &["config", "check", "run.toml"], 2, &["collekt", "did you mean `collect`?"]);
}
