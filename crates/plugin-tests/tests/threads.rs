//! Two instances run at once, unless the plugin says that they must not.

mod common;

use common::{assert_says, c_plugin};
use kanrl_core::action::Action;
use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry, KeywordArguments};
use std::path::Path;
use std::sync::Barrier;

/// The first error of four instances that four threads step at once.
fn play(name: &str, macros: &[&str]) -> Result<(), EnvironmentError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.c");
    let mut registry = EnvironmentRegistry::new();
    let description =
        kanrl_plugin::load(&c_plugin(folder.path(), name, &source, macros), &mut registry).expect("it loads");
    assert_eq!(description.one_call_at_a_time, macros.contains(&"ONE_CALL"));
    let start = Barrier::new(4);
    let play = || {
        let mut environment = registry.make("Broken-v0", &KeywordArguments::new())?;
        let mut observation = [0.0];
        environment.reset(Some(0), &mut observation)?;
        start.wait();
        for _ in 0..20 {
            environment.step(Action::Discrete(0), &mut observation)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(play));
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })
}

#[test]
fn the_flag_keeps_calls_apart() {
    play("apart", &["SLOW_STEP", "ONE_CALL"]).expect("one call at a time");
}

#[test]
fn without_the_flag_calls_run_at_once() {
    let error = play("together", &["SLOW_STEP"]).expect_err("the plugin notices");
    assert_says(&error.to_string(), &["libtogether", "two calls at once"]);
}
