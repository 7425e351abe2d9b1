//! What a plugin's environment is put through.

use super::check::EnvironmentReport;
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{DynEnvironment, EnvironmentEntry, EnvironmentError, KeywordArguments, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::testing::{STARTS_ALIKE, check_environment, starts_alike};

/// Steps of an episode that are compared between threads.
const STEPS: usize = 200;
/// An argument that no environment has.
const NO_ARGUMENT: &str = "no_environment_has_this_argument";

/// Puts an environment through everything; what is wrong with it.
pub(super) fn trial(entry: &EnvironmentEntry, default_arguments: &KeywordArguments) -> EnvironmentReport {
    let none = KeywordArguments::new();
    let report =
        |problems: Vec<String>| EnvironmentReport { id: entry.id.clone(), problems, skipped: None, notes: Vec::new() };
    // An environment that cannot be made has no other problem.
    match entry.factory.make(&none) {
        Ok(_) => {}
        Err(EnvironmentError::Unavailable { reason, .. }) => {
            return EnvironmentReport { skipped: Some(reason), ..report(Vec::new()) };
        }
        Err(error) => return report(vec![error.to_string()]),
    }
    let mut problems: Vec<String> =
        check_environment(entry, &none).iter().map(|violation| violation.to_string()).collect();
    problems.extend(arguments(entry, default_arguments).err().map(|problem| format!("Arguments: {problem}")));
    problems.extend(threads(entry).err().map(|problem| format!("Threads: {problem}")));
    let notes = starts_alike(entry, &none).then(|| STARTS_ALIKE.to_owned());
    EnvironmentReport { notes: notes.into_iter().collect(), ..report(problems) }
}

fn arguments(entry: &EnvironmentEntry, defaults: &KeywordArguments) -> Result<(), String> {
    let make = |arguments: &KeywordArguments| entry.factory.make(arguments);
    let (made, expected) = (make(defaults).map_err(text)?, make(&KeywordArguments::new()).map_err(text)?);
    if made.spec() != expected.spec() {
        return Err("the spec with the default arguments differs from the spec without arguments".into());
    }
    let unknown = KeywordArguments::from_iter([(NO_ARGUMENT.to_owned(), true.into())]);
    match make(&unknown) {
        Ok(_) => Err(format!("it accepts an unknown argument, `{NO_ARGUMENT}`: a typo would go unnoticed")),
        Err(EnvironmentError::BadArguments { .. }) => Ok(()),
        Err(error) => Err(format!("an unknown argument is refused, but not as a bad argument: {error}")),
    }
}

/// Instances made here and moved to two threads that run at once do what one alone does.
fn threads(entry: &EnvironmentEntry) -> Result<(), String> {
    let make = || entry.factory.make(&KeywordArguments::new()).map_err(text);
    let (mut first, mut second) = (make()?, make()?);
    let alone = [episode(&mut *make()?, 1)?, episode(&mut *make()?, 2)?];
    let together = std::thread::scope(|scope| {
        let threads = [scope.spawn(|| episode(&mut *first, 1)), scope.spawn(|| episode(&mut *second, 2))];
        threads.map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())))
    });
    for (alone, together) in alone.iter().zip(together) {
        if *alone != together? {
            return Err("an episode differs if another instance runs on another thread".into());
        }
    }
    Ok(())
}

/// The numbers of an episode with random actions.
fn episode(environment: &mut dyn DynEnvironment, seed: u64) -> Result<Vec<u64>, String> {
    let space = environment.spec().action_space.clone();
    let mut generator = Generator::new(seed);
    let mut actions = ActionBatch::zeros(&space, 1);
    let mut observation = vec![0.0; environment.spec().observation_space.len()];
    environment.reset(Some(seed), &mut observation).map_err(text)?;
    let mut numbers: Vec<u64> = observation.iter().map(|value| value.to_bits()).collect();
    for _ in 0..STEPS {
        space.sample(&mut generator, &mut actions, 0);
        let outcome = environment.step(actions.row(0), &mut observation).map_err(text)?;
        let StepOutcome { reward, terminated, truncated } = outcome;
        numbers.extend(observation.iter().map(|value| value.to_bits()));
        numbers.extend([reward.to_bits(), terminated.into(), truncated.into()]);
        if outcome.is_over() {
            break;
        }
    }
    Ok(numbers)
}

fn text(error: EnvironmentError) -> String {
    error.to_string()
}
