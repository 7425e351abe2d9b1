//! An environment with other masses and time steps.

use crate::config::EnvironmentSection;
use crate::stages::context::StageContext;
use kanrl_core::environment::{EnvironmentError, EnvironmentHints, EnvironmentRegistry, Parameter};
use kanrl_core::rollout::Rollouts;

/// Which constants are changed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The time step.
    TimeStep,
    /// All masses.
    Masses,
}

impl Group {
    /// What it is called in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeStep => "time step",
            Self::Masses => "masses",
        }
    }

    fn has(self, parameter: &Parameter, hints: &EnvironmentHints) -> bool {
        match self {
            Self::TimeStep => hints.is_time_step(parameter),
            Self::Masses => hints.is_mass(parameter),
        }
    }
}

/// The environment with the group's constants multiplied by `factor`; none where it has no such constant.
///
/// # Errors
/// [`EnvironmentError`] where the environment refuses the values.
pub fn variant(setting: &StageContext<'_>, group: Group, factor: f64) -> Result<Option<Rollouts>, EnvironmentError> {
    variant_of(setting.registry(), &setting.config().environment, group, factor)
}

/// As [`variant`], for an environment of a registry.
///
/// # Errors
/// As [`variant`].
pub fn variant_of(
    environments: &EnvironmentRegistry,
    section: &EnvironmentSection,
    group: Group,
    factor: f64,
) -> Result<Option<Rollouts>, EnvironmentError> {
    let entry = environments.get(&section.id)?;
    let parameters = environments.make(&section.id, &section.arguments)?.parameters();
    let hints = &entry.hints;
    let changed: Vec<&Parameter> = parameters.iter().filter(|parameter| group.has(parameter, hints)).collect();
    if changed.is_empty() {
        return Ok(None);
    }
    let mut rollouts = Rollouts::new(entry, &section.arguments)?;
    for parameter in changed {
        rollouts.set_parameter(&parameter.name, parameter.value * factor)?;
    }
    Ok(Some(rollouts))
}
