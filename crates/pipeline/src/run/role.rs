use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};
use std::str::FromStr;

/// What a policy is to a run. Everything that names a run's policies uses these names: results, tables and
/// `run:DIR#NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyRole {
    /// The policy that is explained.
    Expert,
    /// The network shown next to the formula: the chosen student's, or the best one's where that student has none.
    Network,
    /// The formula that explains the expert best of those that nothing was tuned on return in.
    Faithful,
    /// The formula that plays best of those whose constants were tuned on return alone.
    Polished,
    /// The formula that is the run's result.
    Headline,
}

impl PolicyRole {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 5] = [Self::Expert, Self::Network, Self::Faithful, Self::Polished, Self::Headline];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expert => "expert",
            Self::Network => "network",
            Self::Faithful => "faithful",
            Self::Polished => "polished",
            Self::Headline => "headline",
        }
    }
}

impl Display for PolicyRole {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.name())
    }
}

/// No policy of a run has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run has no policy `{name}`; expected expert, network, faithful, polished, or headline")]
pub struct UnknownRole {
    /// What was asked for.
    pub name: String,
}

impl FromStr for PolicyRole {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let known = Self::ALL.into_iter().find(|role| role.name() == name);
        known.ok_or_else(|| UnknownRole { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::PolicyRole;

    #[test]
    fn a_role_has_one_name_everywhere() {
        for role in PolicyRole::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert!("kan".parse::<PolicyRole>().unwrap_err().to_string().contains("network"));
        assert!(PolicyRole::ALL.is_sorted(), "maps of roles keep the order of tables");
    }
}
