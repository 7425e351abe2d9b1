use super::Parameter;
use serde::{Deserialize, Serialize};

/// What an environment asks of a run where the run's config says nothing. Nothing is set by default: the general defaults
/// apply then.
///
/// ```
/// use kanrl_core::environment::EnvironmentHints;
/// let hints: EnvironmentHints = serde_json::from_str(r#"{ "polish_steps": 40000000, "masses": ["m", "cart"] }"#)?;
/// assert_eq!(hints.polish_steps, Some(40_000_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentHints {
    /// Steps of the environment to tune constants on return with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polish_steps: Option<u64>,
    /// Share of the targets' variance that terms are left out for when a formula is refined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refine_tolerance: Option<f64>,
    /// Names of the parameters that are masses; those in kilograms where this is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masses: Option<Vec<String>>,
    /// Names of the parameters that are time steps; those in seconds where this is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_steps: Option<Vec<String>>,
}

impl EnvironmentHints {
    /// Whether the parameter is a mass.
    pub fn is_mass(&self, parameter: &Parameter) -> bool {
        self.masses.as_ref().map_or(parameter.unit == "kg", |names| names.contains(&parameter.name))
    }

    /// Whether the parameter is a time step.
    pub fn is_time_step(&self, parameter: &Parameter) -> bool {
        self.time_steps.as_ref().map_or(parameter.unit == "s", |names| names.contains(&parameter.name))
    }
}

#[cfg(test)]
mod tests {
    use super::{EnvironmentHints, Parameter};

    #[test]
    fn names_come_before_units() {
        let parameter = |name: &str, unit: &str| Parameter { name: name.into(), unit: unit.into(), value: 1.0 };
        let (dt, delay, pole) = (parameter("dt", "s"), parameter("delay", "s"), parameter("pole", "kg"));
        let hints = EnvironmentHints::default();
        assert!(hints.is_time_step(&delay) && hints.is_mass(&pole) && !hints.is_mass(&dt));
        let hints = EnvironmentHints { time_steps: Some(vec!["dt".into()]), masses: Some(vec![]), ..hints };
        assert!(hints.is_time_step(&dt) && !hints.is_time_step(&delay) && !hints.is_mass(&pole));
    }
}
