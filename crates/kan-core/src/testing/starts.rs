use crate::environment::{EnvironmentEntry, EnvironmentError, KeywordArguments};

/// Seeds whose starts are compared.
const SEEDS: std::ops::Range<u64> = 0..5;

/// What [`starts_alike`] means, in words.
pub const STARTS_ALIKE: &str =
    "all seeds start alike; if the start should be random, draw it from the seed that `reset` gets";

/// Whether an environment starts in the same state whatever its seed. That can be meant, as for a puzzle with one beginning,
/// but an evaluation on many seeds then plays one episode over and over. An environment that cannot be made, or fails, is
/// [`check_environment`](super::check_environment)'s to report: `false`.
pub fn starts_alike(entry: &EnvironmentEntry, arguments: &KeywordArguments) -> bool {
    let start = |seed: u64| -> Result<Vec<u64>, EnvironmentError> {
        let mut environment = entry.factory.make(arguments)?;
        let mut observation = vec![0.0; environment.spec().observation_space.len()];
        environment.reset(Some(seed), &mut observation)?;
        observation.extend(environment.state());
        Ok(observation.into_iter().map(f64::to_bits).collect())
    };
    let starts: Result<Vec<Vec<u64>>, EnvironmentError> = SEEDS.map(start).collect();
    starts.is_ok_and(|starts| starts.windows(2).all(|pair| pair[0] == pair[1]))
}
