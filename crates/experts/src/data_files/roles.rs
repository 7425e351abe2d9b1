//! What a column is for, by its name.

use super::arrays::{Arrays, Column, Kind};

/// Names of what says nothing about what was seen: counters, clocks, rewards.
const LEFT_OUT: [&str; 50] = [
    "",
    "#",
    "index",
    "idx",
    "id",
    "row",
    "row_id",
    "row_number",
    "line",
    "unnamed",
    "unnamed_0",
    "level_0",
    "step",
    "steps",
    "step_id",
    "timestep",
    "timesteps",
    "time_step",
    "step_number",
    "global_step",
    "env_step",
    "elapsed_steps",
    "frame",
    "time",
    "times",
    "timestamp",
    "time_stamp",
    "datetime",
    "date",
    "time_s",
    "time_ms",
    "time_sec",
    "time_seconds",
    "wall_time",
    "unix_time",
    "elapsed_time",
    "reward",
    "rewards",
    "rew",
    "rews",
    "return",
    "returns",
    "total_reward",
    "cumulative_reward",
    "episode_return",
    "episode_reward",
    "env",
    "env_id",
    "info",
    "infos",
];

/// Names of columns that a log has for itself; in a file of observations alone they are left out.
const MARKS: [&str; 21] = [
    "weight",
    "weights",
    "done",
    "dones",
    "terminal",
    "terminals",
    "terminated",
    "terminations",
    "timeout",
    "timeouts",
    "truncated",
    "truncations",
    "episode",
    "episodes",
    "episode_id",
    "episode_index",
    "episode_number",
    "episode_start",
    "trajectory",
    "trajectory_id",
    "traj_id",
];

/// Names of arrays and columns with the action.
pub(super) const ACTION: [&str; 4] = ["actions", "action", "acts", "act"];
/// Names of arrays of observations.
pub(super) const OBSERVATIONS: [&str; 3] = ["observations", "observation", "obs"];

/// Names of the columns with observations, in order, and why each of the others is left out.
pub(super) fn observations(arrays: &Arrays) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for column in &arrays.columns {
        match reason_to_leave_out(arrays, column) {
            None => kept.push(column.name.clone()),
            Some(reason) if column.name.is_empty() => left_out.push(format!("a column without a name{reason}")),
            Some(reason) => left_out.push(format!("`{}`{reason}", column.name)),
        }
    }
    (kept, left_out)
}

/// Why a column is not an observation; an empty text where its name says it.
fn reason_to_leave_out(arrays: &Arrays, column: &Column) -> Option<&'static str> {
    let name = plain(&column.name);
    if LEFT_OUT.contains(&name.as_str()) || MARKS.contains(&name.as_str()) || ACTION.contains(&name.as_str()) {
        return Some("");
    }
    if name == "t"
        && column.array.values.windows(2).filter(|pair| pair[0] >= pair[1]).count() * 20 < column.array.values.len()
    {
        return Some(" (it rises with time)");
    }
    if action_part(&column.name).is_some() {
        return Some(" (the action was given)");
    }
    let now = name.strip_prefix("next_").or_else(|| name.strip_prefix("new_"));
    if now.is_some_and(|now| arrays.columns.iter().any(|other| plain(&other.name) == now)) {
        return Some(" (it comes after the action)");
    }
    match &column.kind {
        Kind::Labels { has_numbers: false, .. } => Some(" (text)"),
        Kind::Empty => Some(" (empty)"),
        _ => None,
    }
}

/// `Time [s]` as `time`: what stands in brackets at the end is a unit.
fn plain(name: &str) -> String {
    let name = name.split(['[', '(']).next().filter(|name| !name.trim().is_empty()).unwrap_or(name);
    let words = name.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    let plain = words.collect::<Vec<&str>>().join("_").to_lowercase();
    if plain.is_empty() { name.trim().to_owned() } else { plain }
}

/// `torque` of `action_torque`, `0` of `action[0]`.
pub(super) fn action_part(name: &str) -> Option<&str> {
    let is_prefix = |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let prefix = ["actions", "action"].into_iter().find(is_prefix)?;
    let part = name[prefix.len()..].strip_prefix(['_', '.', '[', '(', ' ', '-', '/', ':'])?;
    Some(part.trim_end_matches([']', ')'])).filter(|part| !part.is_empty())
}

/// A name that can stand in a formula: at most 100 bytes, without backticks and line breaks.
pub(super) fn variable(name: &str) -> String {
    let plain = name.replace('`', "'").replace(char::is_control, " ");
    let plain = plain.trim();
    let end = (0..=plain.len().min(100)).rev().find(|end| plain.is_char_boundary(*end)).unwrap_or(0);
    plain[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{action_part, plain, variable};

    #[test]
    fn names() {
        assert_eq!(
            ["Time [s]", "Unnamed: 0", "Time-Step", "(x)", "θ (rad)"].map(plain),
            ["time", "unnamed_0", "time_step", "x", "θ"]
        );
        assert_eq!(
            ["action_torque", "action[0]", "Action 1", "actions.left", "action", "action_", "actor"].map(action_part),
            [Some("torque"), Some("0"), Some("1"), Some("left"), None, None, None]
        );
        assert_eq!(variable(" a`b\nc "), "a'b c");
        assert_eq!(variable(&"é".repeat(60)).len(), 100);
    }
}
