//! Spaces of `gym` (old archives) and `gymnasium` in a pickle.

use crate::inputs::InputPart;
use crate::numpy;
use crate::pickle::Value;
use crate::spaces::{Actions, MAX_ACTIONS};

const SUPPORTED: &str = "supported are Box, Discrete, MultiDiscrete, MultiBinary and a Dict of them";
/// Most numbers in an observation.
const MAX_NUMBERS: usize = 1 << 16;

/// What a policy sees, as numbers in a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Observations {
    pub(super) parts: Vec<InputPart>,
    /// Of each number.
    pub(super) low: Vec<f64>,
    /// Of each number.
    pub(super) high: Vec<f64>,
    /// What the numbers are where the space is not a plain vector, such as `goal (2 numbers), state (3 numbers)`.
    pub(super) order: Option<String>,
}

impl Observations {
    pub(super) fn read(value: Value<'_>) -> Result<Self, String> {
        let mut all = Self::default();
        if kind(value) == Some("Dict") {
            let spaces = value.attribute("spaces").and_then(Value::entries).ok_or("the Dict has no `spaces`")?;
            let mut order = Vec::new();
            for (key, space) in spaces {
                let key = key.as_text().ok_or_else(|| format!("the Dict has the key {}", key.describe()))?;
                let before = all.low.len();
                all.push(space).map_err(|reason| format!("under the key `{key}`, {reason}"))?;
                let count = all.low.len() - before;
                order.push(format!("{key} ({count} {})", if count == 1 { "number" } else { "numbers" }));
            }
            all.order = Some(order.join(", "));
        } else {
            all.order = all.push(value)?;
        }
        if all.low.is_empty() || all.low.len() > MAX_NUMBERS {
            return Err(format!("an observation has {} numbers; expected 1 to {MAX_NUMBERS}", all.low.len()));
        }
        Ok(all)
    }

    /// Appends a space; returns what it is where that is not a plain vector.
    fn push(&mut self, value: Value<'_>) -> Result<Option<String>, String> {
        let choice = |(count, start): (usize, i64)| {
            (InputPart::OneHot { count, start }, start as f64, (start + count as i64 - 1) as f64)
        };
        let (parts, what) = match kind(value) {
            Some("Box") => {
                let Bounds { shape, low, high } = bounds(value)?;
                let is_image =
                    shape.len() == 3 && low.iter().all(|low| *low == 0.0) && high.iter().all(|high| *high == 255.0);
                if is_image {
                    return Err(format!("the space is an image of shape {shape:?}; {SUPPORTED}"));
                }
                let what = (shape.len() != 1).then(|| format!("a Box of shape {shape:?}, row by row"));
                self.parts.push(InputPart::Numbers(low.len()));
                self.low.extend(low);
                self.high.extend(high);
                return Ok(what);
            }
            Some("Discrete") => {
                let (count, start) = discrete(value)?;
                (vec![(count, start)], format!("one of the numbers {start} to {}", start + count as i64 - 1))
            }
            Some("MultiDiscrete") => {
                let choices = multi_discrete(value)?;
                let what = format!("{} whole numbers", choices.len());
                (choices, what)
            }
            Some("MultiBinary") => {
                let size = multi_binary(value)?;
                self.parts.push(InputPart::Numbers(size));
                self.low.extend(vec![0.0; size]);
                self.high.extend(vec![1.0; size]);
                return Ok(Some(format!("{size} numbers that are 0 or 1")));
            }
            _ => return Err(format!("the space is {}; {SUPPORTED}", value.describe())),
        };
        for (part, low, high) in parts.into_iter().map(choice) {
            self.parts.push(part);
            self.low.push(low);
            self.high.push(high);
        }
        Ok(Some(what))
    }
}

/// A space of actions, and the number of its first action: Stable-Baselines3 counts a policy's actions from 0 all the same.
pub(super) fn actions(value: Value<'_>) -> Result<(Actions, i64), String> {
    match kind(value) {
        Some("Box") => {
            let Bounds { shape, low, high } = bounds(value)?;
            match shape.len() {
                1 => Ok((Actions::Box { low, high }, 0)),
                _ => Err(format!("the space is a Box of shape {shape:?}; expected a one-dimensional one")),
            }
        }
        Some("Discrete") => discrete(value).map(|(count, start)| (Actions::Discrete { count }, start)),
        Some("MultiDiscrete") => {
            let counts = multi_discrete(value)?.into_iter().map(|(count, _)| count).collect();
            Ok((Actions::Choices { counts }, 0))
        }
        Some("MultiBinary") => Ok((Actions::Choices { counts: vec![2; multi_binary(value)?] }, 0)),
        _ => Err(format!(
            "the space is {}; supported are Box, Discrete, MultiDiscrete and MultiBinary",
            value.describe()
        )),
    }
}

/// The class of a space.
fn kind(value: Value<'_>) -> Option<&str> {
    let (module, name) = value.callee()?;
    let module = module.strip_prefix("gym.spaces.").or_else(|| module.strip_prefix("gymnasium.spaces."))?;
    (module.replace('_', "") == name.to_lowercase()).then_some(name)
}

fn attribute(value: Value<'_>, name: &str) -> Result<numpy::Array, String> {
    numpy::array(value.attribute(name).ok_or_else(|| format!("the space has no `{name}`"))?)
}

/// A Box.
struct Bounds {
    shape: Vec<usize>,
    low: Vec<f64>,
    high: Vec<f64>,
}

fn bounds(value: Value<'_>) -> Result<Bounds, String> {
    let (low, high) = (attribute(value, "low")?, attribute(value, "high")?);
    let ordered = low.values.iter().zip(&high.values).all(|(low, high)| !low.is_nan() && !high.is_nan());
    if low.shape != high.shape || !ordered {
        return Err("the space's bounds do not fit together".to_owned());
    }
    if low.shape.is_empty() || low.values.is_empty() {
        return Err(format!("the space is a Box of shape {:?}; {SUPPORTED}", low.shape));
    }
    Ok(Bounds { shape: low.shape, low: low.values, high: high.values })
}

/// Number of values, and the first one.
fn discrete(value: Value<'_>) -> Result<(usize, i64), String> {
    let number =
        |name| attribute(value, name)?.values.first().copied().ok_or_else(|| format!("the space has no `{name}`"));
    let start = if value.attribute("start").is_some() { number("start")? } else { 0.0 };
    choice(number("n")?, start)
}

fn multi_discrete(value: Value<'_>) -> Result<Vec<(usize, i64)>, String> {
    let counts = attribute(value, "nvec")?;
    let starts = match value.attribute("start") {
        Some(_) => attribute(value, "start")?.values,
        None => vec![0.0; counts.values.len()],
    };
    if counts.shape.len() != 1 || starts.len() != counts.values.len() || counts.values.is_empty() {
        return Err(format!("the space is a MultiDiscrete of shape {:?}; expected a list", counts.shape));
    }
    counts.values.iter().zip(starts).map(|(count, start)| choice(*count, start)).collect()
}

fn multi_binary(value: Value<'_>) -> Result<usize, String> {
    let size = value.attribute("n").ok_or("the space has no `n`")?;
    let lengths = match size.as_sequence() {
        Some(lengths) => lengths
            .into_iter()
            .map(|length| numpy::array(length).map(|array| array.values))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
        None => numpy::array(size)?.values,
    };
    let size: f64 = lengths.iter().product();
    if (1.0..=MAX_NUMBERS as f64).contains(&size) {
        return Ok(size as usize);
    }
    Err(format!("the space has {size} bits; expected 1 to {MAX_NUMBERS}"))
}

fn choice(count: f64, start: f64) -> Result<(usize, i64), String> {
    if !(1.0..=MAX_ACTIONS as f64).contains(&count) {
        return Err(format!("the space has {count} values to choose from; expected 1 to {MAX_ACTIONS}"));
    }
    Ok((count as usize, start as i64))
}
