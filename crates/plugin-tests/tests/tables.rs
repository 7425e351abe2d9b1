//! Broken libraries, built from C: each gives an error that names the plugin and says what is wrong.

mod common;

use common::{assert_says, c_plugin};
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry, KeywordArguments, StepOutcome};
use kanrl_plugin::{Plugin, PluginError};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn broken(folder: &TempDir, name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.c");
    c_plugin(folder.path(), &name.to_lowercase(), &source, &[name])
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn plugins_that_cannot_be_loaded() {
    let folder = folder();
    let cases: [(&str, &[&str]); 8] = [
        ("WRONG_VERSION", &["ABI version is 2", "this host needs 1"]),
        ("NO_SYMBOL", &["does not export the symbol `kanrl_plugin`"]),
        ("SHORT_TABLE", &["KanrlPlugin.size", "24 bytes long"]),
        ("SHORT_ENVIRONMENT", &["KanrlEnvironment.size", "16 bytes long"]),
        ("NULL_STEP", &["KanrlEnvironment[0].step", "it is missing"]),
        ("BAD_JSON", &["KanrlEnvironment[0].default_arguments", "no JSON object"]),
        ("DUPLICATE_ID", &["KanrlEnvironment[1].id", "`Broken-v0` is there twice"]),
        ("FAILING_LIST", &["`environments` failed", "the license has run out"]),
    ];
    for (name, parts) in cases {
        let path = broken(&folder, name);
        let error = kanrl_plugin::list(&path).expect_err(name).to_string();
        assert_says(&error, parts);
        assert_says(&error, &[path.file_name().and_then(|name| name.to_str()).expect("a name")]);
    }
}

#[test]
fn files_that_are_not_plugins() {
    let folder = folder();
    let missing = folder.path().join("missing.so");
    assert!(matches!(kanrl_plugin::list(&missing), Err(PluginError::NotFound { .. })));
    let text = folder.path().join("text.so");
    std::fs::write(&text, "not a library ".repeat(1000)).expect("it can be written");
    let error = kanrl_plugin::list(&text).expect_err("no library");
    assert!(matches!(error, PluginError::NotALibrary { .. }), "{error}");
    // The system's own reason is there.
    assert_says(&error.to_string(), &["text.so", "cannot be loaded", "invalid ELF header"]);
    let source = folder.path().join("empty.c");
    std::fs::write(&source, "int answer(void); int answer(void) { return 42; }").expect("it can be written");
    let library = c_plugin(folder.path(), "empty", &source, &[]);
    assert!(matches!(kanrl_plugin::list(&library), Err(PluginError::NoPlugin { .. })));
}

#[test]
fn specs_that_make_no_sense() {
    let folder = folder();
    let cases: [(&str, &[&str]); 6] = [
        ("BAD_NAME", &["KanrlSpec.observation[0].name", "\"two words\" is not an ASCII identifier"]),
        ("BAD_BOUNDS", &["KanrlSpec.observation[0]", "the bounds of `x` are 1 and 0"]),
        ("BAD_UTF8", &["KanrlSpec.observation[0].unit", "not UTF-8"]),
        ("SHORT_COORDINATE", &["KanrlSpec.observation.size", "8 bytes long"]),
        ("TWO_ACTION_SPACES", &["exactly one of `discrete_actions` and `action`"]),
        ("NULL_SPEC", &["KanrlSpec", "it is null"]),
    ];
    for (name, parts) in cases {
        let path = broken(&folder, name);
        let mut registry = EnvironmentRegistry::new();
        kanrl_plugin::load(&path, &mut registry).expect("the spec is an instance's");
        let error = registry.make("Broken-v0", &KeywordArguments::new()).err().expect(name).to_string();
        assert_says(&error, parts);
        assert_says(&error, &[&name.to_lowercase(), "`spec`", "Broken-v0"]);
    }
}

#[test]
fn calls_that_make_no_sense() {
    let folder = folder();
    let mut observation = [0.0];
    let make = |name: &str| {
        let mut registry = EnvironmentRegistry::new();
        kanrl_plugin::load(&broken(&folder, name), &mut registry).expect("it loads");
        registry.make("Broken-v0", &KeywordArguments::new())
    };
    let error = make("SILENT_ERROR").err().expect("it fails").to_string();
    assert_says(&error, &["silent_error", "`create` failed", "status 77 and no message"]);

    let mut environment = make("BAD_CHUNK").expect("it can be made");
    environment.reset(Some(0), &mut observation).expect("it resets");
    let actions = ActionBatch::Discrete(vec![0; 3]);
    let error = environment.step_chunk(&actions, &mut [0.0; 3], &mut [StepOutcome::default(); 3]).expect_err("4 of 3");
    assert_says(&error.to_string(), &["bad_chunk", "`step_chunk`", "4 of 3 steps"]);

    let mut environment = make("BAD_FRAME").expect("it can be made");
    let error = environment.render().expect_err("no pixels").to_string();
    assert_says(&error, &["bad_frame", "`render`", "KanrlFrame", "0 × 10 pixels"]);
}

#[test]
fn a_plugin_of_an_earlier_release_works() {
    let folder = folder();
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&broken(&folder, "OLD_TABLE"), &mut registry).expect("it loads");
    let mut environment = registry.make("Broken-v0", &KeywordArguments::new()).expect("it can be made");
    let mut observation = [1.0];
    environment.reset(Some(0), &mut observation).expect("it resets");
    environment.step(Action::Discrete(0), &mut observation).expect("it steps");
    assert_eq!(observation, [0.01]);
    assert!(environment.state().is_empty() && environment.parameters().is_empty());
    assert!(matches!(environment.render(), Err(EnvironmentError::NoRendering { .. })));
    assert!(matches!(environment.set_parameter("x", 1.0), Err(EnvironmentError::UnknownParameter { .. })));
}

#[test]
fn a_description_says_what_a_plugin_offers() {
    let folder = folder();
    let path = broken(&folder, "NOTHING");
    let plugin = Plugin::open(&path, kanrl_plugin::CallLimit::default()).expect("it loads");
    let description = plugin.description();
    assert_eq!((description.name.as_str(), description.version.as_str()), ("broken", "1"));
    assert_eq!(description.environments[0].id, "Broken-v0");
    assert!(description.path.is_absolute() && !description.one_call_at_a_time);
}
