//! What is run, and what a headline formula should reach.

use serde_json::Value;

/// Share of the worst twentieth's mean, and of the mean, that a formula may lose beside its expert.
const WORST_SLACK: f64 = 0.05;
const MEAN_SLACK: f64 = 0.02;

/// A row of the table, for each of its seeds.
pub(super) struct Goal {
    pub environment: &'static str,
    /// Its agent among the reference experts.
    pub archive: &'static str,
    /// Seeds with the bundled expert, and with the archive.
    pub seeds: (u32, u32),
    /// Report episodes.
    pub episodes: u32,
    /// Share of the expert's return that may be missing.
    pub missing: f64,
    /// Share of equal actions, or R², in the formula's own states.
    pub fidelity: f64,
    /// Most operations.
    pub operations: u64,
    /// Most CPU minutes.
    pub minutes: f64,
}

const fn goal(
    environment: &'static str,
    archive: &'static str,
    seeds: (u32, u32),
    episodes: u32,
    (missing, fidelity, operations, minutes): (f64, f64, u64, f64),
) -> Goal {
    Goal { environment, archive, seeds, episodes, missing, fidelity, operations, minutes }
}

/// For environments that the reference has no agent for.
const NO_ARCHIVE: &str = "";

pub(super) const GOALS: [Goal; 14] = [
    goal("CartPole-v1", "CartPole-v1", (3, 3), 1000, (0.0, 0.97, 12, 0.5)),
    goal("MountainCar-v0", "MountainCar-v0", (3, 3), 1000, (MEAN_SLACK, 0.95, 30, 0.5)),
    goal("MountainCarContinuous-v0", "MountainCarContinuous-v0", (3, 3), 1000, (MEAN_SLACK, 0.97, 20, 0.5)),
    goal("Acrobot-v1", "Acrobot-v1", (3, 3), 1000, (0.03, 0.93, 30, 0.5)),
    goal("Pendulum-v1", "Pendulum-v1", (3, 3), 1000, (MEAN_SLACK, 0.95, 40, 0.5)),
    goal("LunarLander-v3", "LunarLander-v2", (3, 3), 100, (MEAN_SLACK, 0.88, 80, 4.0)),
    goal("LunarLanderContinuous-v3", "LunarLanderContinuous-v2", (3, 3), 100, (MEAN_SLACK, 0.9, 80, 4.0)),
    goal("BipedalWalker-v3", "BipedalWalker-v3", (3, 3), 100, (0.03, 0.8, 250, 4.0)),
    goal("Swimmer-v4", "Swimmer-v3", (3, 3), 100, (0.03, 0.9, 80, 20.0)),
    goal("Hopper-v4", "Hopper-v3", (3, 3), 100, (0.05, 0.85, 150, 20.0)),
    goal("Walker2d-v4", "Walker2d-v3", (3, 3), 100, (0.1, 0.8, 250, 20.0)),
    goal("HalfCheetah-v5", "HalfCheetah-v3", (3, 3), 100, (0.4, 0.7, 250, 20.0)),
    goal("InvertedDoublePendulum-v5", NO_ARCHIVE, (3, 0), 100, (MEAN_SLACK, 0.9, 60, 20.0)),
    goal("Reacher-v5", NO_ARCHIVE, (3, 0), 100, (MEAN_SLACK, 0.9, 60, 20.0)),
];

impl Goal {
    /// What a row's headline formula is short of, in words.
    pub(super) fn missed(&self, row: &Value) -> Vec<String> {
        let (expert, headline) = (&row["expert"], &row["headline"]);
        let both = |key: &str| Some((expert[key].as_f64()?, headline[key].as_f64()?));
        let is_below =
            |key: &str, slack: f64| both(key).is_some_and(|(expert, own)| own < expert - slack * expert.abs());
        let mut missed = Vec::new();
        if is_below("mean", self.missing) {
            missed.push("return".to_owned());
        }
        if is_below("worst_5_percent", WORST_SLACK.max(self.missing)) {
            missed.push("worst 5 %".to_owned());
        }
        if headline["fidelity_own_states"].as_f64().is_none_or(|own| own < self.fidelity) {
            missed.push(format!("fidelity ({})", self.fidelity));
        }
        if headline["operations"].as_u64().is_none_or(|own| own > self.operations) {
            missed.push(format!("operations ({})", self.operations));
        }
        if row["cpu_minutes"].as_f64().is_none_or(|own| own > self.minutes) {
            missed.push(format!("CPU minutes ({})", self.minutes));
        }
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::GOALS;
    use serde_json::json;

    #[test]
    fn what_is_short_of_its_goal_is_named() {
        let row = |mean: f64, worst: f64, fidelity: f64, operations: u64| {
            json!({
                "expert": { "mean": -100.0, "worst_5_percent": -200.0 },
                "headline": {
                    "mean": mean,
                    "worst_5_percent": worst,
                    "fidelity_own_states": fidelity,
                    "operations": operations,
                },
                "cpu_minutes": 0.2,
            })
        };
        let pendulum = GOALS.iter().find(|goal| goal.environment == "Pendulum-v1").unwrap();
        assert!(pendulum.missed(&row(-101.0, -205.0, 0.96, 40)).is_empty());
        let missed = pendulum.missed(&row(-103.0, -215.0, 0.9, 41));
        assert_eq!(missed, ["return", "worst 5 %", "fidelity (0.95)", "operations (40)"]);
    }
}
