//! The rows as Markdown.

use super::goals::GOALS;
use serde_json::Value;

const INTRODUCTION: &str = "# Results

`cargo xtask results` runs every row's command and writes this file; `docs/results.json` holds the rows, with the commit that made
each. Returns are over report episodes that nothing was fitted, tuned or chosen on, as *mean (mean of the worst 5 %)*; fidelity is
the share of equal actions, or R², *in the policy's own states / in the expert's*. *Operations* are those of the headline formula,
with the curves among its parts. *Short of* names what misses the project's goal for the headline: a mean within 2 % of the expert's
(some environments have a goal of their own), a worst 5 % within 5 %, and the numbers in brackets. *CPU minutes* are those of all
threads of the whole run.

| environment | expert | seed | expert | network | faithful | headline | operations | polished | CPU minutes | short of |
|---|---|---|---|---|---|---|---|---|---|---|
";

/// A line for each row, and the commands.
pub(super) fn table(rows: &[Value]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut commands = String::new();
    for goal in &GOALS {
        let mut own: Vec<&Value> = rows.iter().filter(|row| row["environment"] == goal.environment).collect();
        own.sort_by_key(|row| (row["expert_source"] != "bundled", row["seed"].as_u64()));
        for row in own {
            let expert = match row["expert_source"].as_str() {
                Some("bundled") | None => "bundled",
                Some(source) if source.starts_with("$KANRL_REFERENCE") => "reference PPO",
                Some(source) => source.rsplit('/').next().unwrap_or(source),
            };
            let cells = [
                goal.environment.to_owned(),
                expert.to_owned(),
                row["seed"].to_string(),
                returns(&row["expert"]),
                with_fidelity(&row["network"]),
                with_fidelity(&row["faithful"]),
                with_fidelity(&row["headline"]),
                operations(&row["headline"]),
                with_fidelity(&row["polished"]),
                row["cpu_minutes"].as_f64().map_or_else(String::new, |minutes| format!("{minutes:.1}")),
                goal.missed(row).join(", "),
            ];
            text += &format!("| {} |\n", cells.join(" | "));
            commands += &format!("{}\n", row["command"].as_str().unwrap_or_default());
        }
    }
    format!("{text}\nCommands:\n\n```sh\n{commands}```\n")
}

fn returns(policy: &Value) -> String {
    let (Some(mean), Some(worst)) = (policy["mean"].as_f64(), policy["worst_5_percent"].as_f64()) else {
        return String::new();
    };
    format!("{mean:.1} ({worst:.1})").replace('-', "−")
}

fn with_fidelity(policy: &Value) -> String {
    let is_share = policy["measure"] != "r_squared";
    let number = |key: &str| {
        let value = policy[key].as_f64()?;
        Some(if is_share { format!("{:.1} %", 100.0 * value) } else { format!("{value:.3}").replace('-', "−") })
    };
    match (number("fidelity_own_states"), number("fidelity_expert_states")) {
        (Some(own), Some(expert)) => {
            let measure = if is_share { "" } else { "R² " };
            format!("{}, {measure}{own} / {expert}", returns(policy))
        }
        _ => returns(policy),
    }
}

fn operations(policy: &Value) -> String {
    let Some(operations) = policy["operations"].as_u64() else { return String::new() };
    let student = policy["student"].as_str().unwrap_or_default();
    match policy["curves"].as_u64() {
        Some(1) => format!("{operations} with a curve, {student}"),
        Some(curves) if curves > 1 => format!("{operations} with {curves} curves, {student}"),
        _ => format!("{operations}, {student}"),
    }
}
