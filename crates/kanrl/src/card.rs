//! A run as a repository on the Hugging Face hub: a model card, the formula, and its exports.

use kanrl_export::{Action, Contract};
use kanrl_pipeline::run::{Metrics, PolicyRole, Returns};
use std::fmt::Write;

/// What a card says besides what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardOptions {
    /// `ORG/NAME` on the hub, where it is known.
    pub repository: Option<String>,
    /// The hub's name of the license (`mit`, `apache-2.0`, …).
    pub license: String,
    /// Whether there is a video, `formula.mp4`.
    pub has_video: bool,
    /// The formula in LaTeX.
    pub latex: String,
    /// Operations, as the metrics count them.
    pub operations: usize,
}

/// The card of a run's headline formula, in Markdown with the metadata that the hub reads.
pub fn card(metrics: &Metrics, contract: &Contract, options: &CardOptions) -> String {
    let environment = &metrics.environment;
    let repository = options.repository.clone().unwrap_or_else(|| "ORG/NAME".to_owned());
    let name = repository.rsplit('/').next().unwrap_or_default().to_owned();
    let mut text = front_matter(metrics, &options.license, &name);
    let _ = writeln!(
        text,
        "# {name}\n\nA policy for {environment} as a formula, extracted from a trained agent with [kanrl](https://github.com/kanrl/kanrl).\n"
    );
    let _ = writeln!(text, "$$\n{}\n$$\n\n```text\n{}\n```\n", options.latex, contract.formula);
    let _ = writeln!(text, "{} operations. {}\n", options.operations, sentence(&metrics.reason));
    if options.has_video {
        text += "<video src=\"formula.mp4\" controls autoplay loop muted></video>\n\n";
    }
    text += &returns(metrics);
    text += &front(metrics);
    if let Some(proof) = &contract.proof {
        let _ = writeln!(
            text,
            "## Proof card\n\nWhat `kanrl verify` proved of the formula, measured with 99 % confidence, or could not decide. {}",
            proof.markdown()
        );
    }
    text += &interface(contract);
    let _ = writeln!(
        text,
        "## How to use it\n\nIn Python, `pip install kanrl`:\n\n```python\nimport kanrl\n\npolicy = kanrl.policy(\"hub:{repository}\", \
         \"{environment}\")\naction = policy.predict(observation)\n```\n\nWithout kanrl, `policy.py` needs NumPy only, and `policy.onnx` any \
         runtime of ONNX:\n\n```python\nimport policy\n\naction = policy.action(observation)\n```\n\nIn C, `policy.h` and `policy.c`:\n\n\
         ```c\n#include \"policy.h\"\n\n{}\n```\n\nFrom a shell:\n\n```sh\nkanrl play {environment} --policy hub:{repository}\n\
         kanrl export hub:{repository} --environment {environment} --to c --scalar q15 --dir controller\n```\n",
        match &contract.action {
            Action::Discrete { .. } => "int action = policy_action(observation);",
            Action::Vector { .. } => "float action[POLICY_OUTPUTS];\npolicy_action(observation, action);",
        }
    );
    text + "`policy.contract.json` has names, units, ranges and order of what goes in and out, and its SHA-256 is in every export.\n"
}

fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let text = first + letters.as_str();
    if text.is_empty() || text.ends_with('.') { text } else { text + "." }
}

/// What the hub reads: it lists the model under its task, and its mean reward on leaderboards.
fn front_matter(metrics: &Metrics, license: &str, name: &str) -> String {
    let environment = &metrics.environment;
    let mut text = format!(
        "---\nlicense: {license}\nlibrary_name: kanrl\npipeline_tag: reinforcement-learning\ntags:\n- reinforcement-learning\n- \
         interpretability\n- symbolic-regression\n- kolmogorov-arnold-network\n- {environment}\nmodel-index:\n- name: {name}\n  results:\n  \
         - task:\n      type: reinforcement-learning\n      name: reinforcement-learning\n    dataset:\n      name: {environment}\n      \
         type: {environment}\n    metrics:\n"
    );
    if let Some(returns) = metrics.returns.get(&PolicyRole::Headline) {
        let _ = writeln!(
            text,
            "    - type: mean_reward\n      value: {:.2} +/- {:.2}\n      name: mean_reward\n      verified: false",
            returns.mean, returns.std
        );
    }
    if let Some(fidelity) = metrics.agreement.own_states.get(&PolicyRole::Headline) {
        let _ = writeln!(
            text,
            "    - type: fidelity\n      value: {fidelity:.4}\n      name: fidelity\n      verified: false"
        );
    }
    text + "---\n\n"
}

fn returns(metrics: &Metrics) -> String {
    let rows: Vec<(&PolicyRole, &Returns)> = metrics.returns.iter().collect();
    let Some(episodes) = rows.first().map(|(_, returns)| returns.n) else { return String::new() };
    let mut text = format!(
        "## Returns\n\nOver {episodes} episodes on the same seeds, on which nothing was fitted, tuned, or chosen: mean ± standard deviation, \
         the interquartile mean with its 95 % interval, and the mean of the worst 5 %. Fidelity is how far a policy does what the expert \
         does, in the states that it visits itself.\n\n| policy | mean | interquartile mean | worst 5 % | fidelity |\n|---|---|---|---|---|\n"
    );
    for (role, returns) in rows {
        let interval = returns.interquartile_mean_interval;
        let fidelity = metrics.agreement.own_states.get(role).zip(metrics.agreement.measure);
        let fidelity = fidelity.map_or(String::new(), |(value, measure)| measure.text(*value));
        let _ = writeln!(
            text,
            "| {role} | {:.2} ± {:.2} | {:.2} [{:.2}, {:.2}] | {:.2} | {fidelity} |",
            returns.mean, returns.std, returns.interquartile_mean, interval.low, interval.high, returns.worst_5_percent
        );
    }
    text + "\n"
}

/// The formulas that no other one beats in return, fidelity and operations at once.
fn front(metrics: &Metrics) -> String {
    let mut rows: Vec<_> = metrics.candidates.iter().filter(|candidate| candidate.on_front).collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by(|left, right| (left.operations, &left.text).cmp(&(right.operations, &right.text)));
    // The same formula may have been made in several ways.
    rows.dedup_by(|left, right| left.text == right.text);
    let mut text = "## The front\n\nThe formulas of this run that no other one beats in return, fidelity and operations at once, on the seeds \
                    that formulas are chosen by.\n\n| operations | return | worst 5 % | fidelity | formula |\n|---|---|---|---|---|\n"
        .to_owned();
    let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
    for candidate in rows {
        let fidelity = candidate.fidelity_own_states.zip(metrics.agreement.measure);
        let fidelity = fidelity.map_or(String::new(), |(value, measure)| measure.text(value));
        let shown: String = candidate.text.replace('\n', "; ").replace('|', "\\|").chars().take(300).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {fidelity} | `{}` |",
            candidate.operations,
            number(candidate.mean),
            number(candidate.worst_5_percent),
            shown.replace('`', "'")
        );
    }
    text + "\n"
}

fn interface(contract: &Contract) -> String {
    let bound = |bound: Option<f64>| bound.map_or("".to_owned(), |bound| format!("{bound}"));
    let mut text = "## What goes in and out\n\n| | name | unit | from | to |\n|---|---|---|---|---|\n".to_owned();
    for (index, signal) in contract.observations.iter().enumerate() {
        let unit = signal.unit.as_deref().unwrap_or("");
        let _ = writeln!(
            text,
            "| observation[{index}] | {} | {unit} | {} | {} |",
            signal.name,
            bound(signal.low),
            bound(signal.high)
        );
    }
    match &contract.action {
        Action::Discrete { actions, rule } => {
            for (number, meaning) in actions.iter().enumerate() {
                let _ = writeln!(text, "| action {number} | {meaning} | | | |");
            }
            let _ = writeln!(text, "\nThe action is {rule}.");
        }
        Action::Vector { coordinates } => {
            for (index, signal) in coordinates.iter().enumerate() {
                let unit = signal.unit.as_deref().unwrap_or("");
                let _ = writeln!(
                    text,
                    "| action[{index}] | {} | {unit} | {} | {} |",
                    signal.name,
                    bound(signal.low),
                    bound(signal.high)
                );
            }
        }
    }
    if let Some(period) = contract.control_period {
        let _ = writeln!(text, "\nAn action every {period} s.");
    }
    text + "\n"
}
