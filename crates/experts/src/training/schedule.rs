//! Hyper-parameters that may shrink while a run goes on.

use serde::{Deserialize, Serialize};

/// A number that is constant, or falls linearly to 0 over the run.
///
/// Written as in rl-zoo's files: `0.0003`, or `"lin_0.001"`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub enum Schedule {
    /// The same all the time.
    Constant(f64),
    /// From this value at the start to 0 at the end.
    Linear(f64),
}

impl Schedule {
    /// The value while `remaining` (1 at the start, 0 at the end) of the run is left.
    pub fn value(self, remaining: f64) -> f64 {
        match self {
            Self::Constant(value) => value,
            Self::Linear(initial) => initial * remaining,
        }
    }

    /// The value at the start.
    pub fn initial(self) -> f64 {
        match self {
            Self::Constant(value) | Self::Linear(value) => value,
        }
    }
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Raw {
    Number(f64),
    Text(String),
}

impl TryFrom<Raw> for Schedule {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        match raw {
            Raw::Number(value) => Ok(Self::Constant(value)),
            Raw::Text(text) => {
                text.strip_prefix("lin_").and_then(|value| value.parse().ok()).map(Self::Linear).ok_or_else(|| {
                    format!("`{text}` is not a schedule: use a number, or `lin_0.001` for one that decays to 0")
                })
            }
        }
    }
}

impl From<Schedule> for Raw {
    fn from(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Constant(value) => Self::Number(value),
            Schedule::Linear(initial) => Self::Text(format!("lin_{initial}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn reads_what_it_writes() {
        for (schedule, text) in [(Schedule::Constant(0.0003), "0.0003"), (Schedule::Linear(0.001), "\"lin_0.001\"")] {
            assert_eq!(serde_json::to_string(&schedule).unwrap(), text);
            assert_eq!(serde_json::from_str::<Schedule>(text).unwrap(), schedule);
        }
        assert!(serde_json::from_str::<Schedule>("\"cosine\"").unwrap_err().to_string().contains("lin_0.001"));
    }

    #[test]
    fn falls_to_zero() {
        assert_eq!([1.0, 0.25, 0.0].map(|remaining| Schedule::Linear(0.2).value(remaining)), [0.2, 0.05, 0.0]);
    }
}
