//! Environments that formulas are tuned in.

use crate::config::RunConfig;
use crate::stages::evaluate::variants::{Group, variant_of};
use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry};
use kanrl_core::rollout::Rollouts;

/// The environment, and its perturbed variants if there are to be any.
pub(super) fn variants(
    environments: &EnvironmentRegistry,
    config: &RunConfig,
) -> Result<Vec<Rollouts>, EnvironmentError> {
    let section = &config.environment;
    let mut all = vec![Rollouts::new(environments.get(&section.id)?, &section.arguments)?];
    let share = config.polish.perturbation;
    if share > 0.0 {
        for group in [Group::TimeStep, Group::Masses] {
            for factor in [1.0 - share, 1.0 + share] {
                all.extend(variant_of(environments, section, group, factor)?);
            }
        }
    }
    Ok(all)
}
