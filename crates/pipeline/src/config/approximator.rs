//! The approximator's section as it is written: without what `[students]` says.

use kanrl_core::config::ApproximatorConfig;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Fields whose values are lists in `[students]`: a value for each student.
const OF_STUDENTS: [&str; 2] = ["hidden", "lambda"];

/// Leaves those fields out, so that a printed config has one place for each; of a kind that cannot be read without them,
/// they stay.
pub(super) fn write<T: Serialize, S: Serializer>(approximator: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(approximator) else {
        return approximator.serialize(serializer);
    };
    // TOML has no null.
    fields.retain(|_, value| !value.is_null());
    let without: Map<String, Value> = fields
        .iter()
        .filter(|(key, _)| !OF_STUDENTS.contains(&key.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let is_read = serde_json::from_value::<Box<dyn ApproximatorConfig>>(Value::Object(without.clone())).is_ok();
    if is_read { without } else { fields }.serialize(serializer)
}
