//! Observation and action spaces, with a name and a unit for every coordinate.

use serde::{Deserialize, Serialize};

/// One coordinate of a [`BoxSpace`].
///
/// `name` is an ASCII identifier (`theta_dot`, `x`, `left_leg_contact`): it is the variable's name in
/// formulas, exports and files. Printers turn it into `θ̇` or `\dot{\theta}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coordinate {
    /// ASCII identifier, unique in its space.
    pub name: String,
    /// What it measures, in a few words.
    #[serde(default)]
    pub description: String,
    /// SI unit (`m`, `rad/s`), `1` where it has none.
    pub unit: String,
    /// Lower bound; `-inf` where there is none.
    #[serde(with = "bound")]
    pub low: f64,
    /// Upper bound; `inf` where there is none.
    #[serde(with = "bound")]
    pub high: f64,
}

impl Coordinate {
    /// A coordinate from its name, unit and bounds; the description is added with [`Self::described`].
    pub fn new(name: impl Into<String>, unit: impl Into<String>, low: f64, high: f64) -> Self {
        Self { name: name.into(), description: String::new(), unit: unit.into(), low, high }
    }

    /// The same coordinate with a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }
}

/// Element type of a Gymnasium `Box`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// `numpy.float32`: values are rounded to f32 and carried in f64 without loss.
    F32,
    /// `numpy.float64`.
    F64,
}

/// A one-dimensional Gymnasium `Box`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxSpace {
    /// The coordinates, in order.
    pub coordinates: Vec<Coordinate>,
    /// The element type that Gymnasium declares.
    pub element_type: ElementType,
}

impl BoxSpace {
    /// A space of the given coordinates.
    pub fn new(element_type: ElementType, coordinates: Vec<Coordinate>) -> Self {
        Self { coordinates, element_type }
    }

    /// Number of coordinates.
    pub fn len(&self) -> usize {
        self.coordinates.len()
    }

    /// Whether the space has no coordinate.
    pub fn is_empty(&self) -> bool {
        self.coordinates.is_empty()
    }

    /// The coordinates' names, in order.
    pub fn names(&self) -> Vec<String> {
        self.coordinates.iter().map(|coordinate| coordinate.name.clone()).collect()
    }

    /// Clips `values` (one row, in order) to the bounds, as `numpy.clip` does: NaN stays NaN.
    pub fn clip(&self, values: &mut [f32]) {
        for (value, coordinate) in values.iter_mut().zip(&self.coordinates) {
            *value = crate::action::clip(*value, coordinate.low as f32, coordinate.high as f32);
        }
    }
}

/// A Gymnasium `Discrete(n)` that starts at 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscreteSpace {
    /// What each action does, in a few words (`push left`); its length is the number of actions.
    pub actions: Vec<String>,
}

impl DiscreteSpace {
    /// A space of the named actions.
    pub fn new<S: Into<String>>(actions: impl IntoIterator<Item = S>) -> Self {
        Self { actions: actions.into_iter().map(Into::into).collect() }
    }

    /// Number of actions.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there is no action.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

/// An action space. Others of Gymnasium's (MultiDiscrete, Dict, images) are not supported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActionSpace {
    /// One of a few actions.
    Discrete(DiscreteSpace),
    /// A vector of numbers.
    Box(BoxSpace),
}

impl ActionSpace {
    /// Number of numbers a policy answers with: the number of actions, or the length of the vector.
    /// A formula has as many outputs.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Discrete(space) => space.len(),
            Self::Box(space) => space.len(),
        }
    }

    /// One name for each output: `a_0`, `a_1`, … for discrete actions (their preference values), the
    /// coordinates' names for a vector.
    pub fn output_names(&self) -> Vec<String> {
        match self {
            Self::Discrete(space) => (0..space.len()).map(|index| format!("a_{index}")).collect(),
            Self::Box(space) => space.names(),
        }
    }
}

/// Bounds in JSON and TOML: finite numbers as they are, infinities as `"inf"` and `"-inf"`.
mod bound {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else {
            serializer.serialize_str(if *value > 0.0 { "inf" } else { "-inf" })
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Raw {
        Number(f64),
        Text(String),
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Raw::deserialize(deserializer)? {
            Raw::Number(value) if !value.is_nan() => Ok(value),
            Raw::Text(text) if text == "inf" => Ok(f64::INFINITY),
            Raw::Text(text) if text == "-inf" => Ok(f64::NEG_INFINITY),
            _ => Err(D::Error::custom("a bound is a number, \"inf\" or \"-inf\"")),
        }
    }
}
