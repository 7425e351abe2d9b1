//! A sweep's `report.html`: the front over all of its runs, intervals over seeds, and what failed.

use super::html::{document, escape, number, section, table};
use super::plot::{IntervalRow, Point, intervals, is_best, scatter};
use crate::run::metrics::CandidateMetrics;
use crate::run::statistics::{Interval, mean, mean_interval};
use crate::run::{Metrics, PolicyRole};
use std::collections::BTreeMap;

/// The setting that repeats a run instead of changing it.
const SEED: &str = "seed";
/// Intervals are drawn for at most this many groups of runs.
const MOST_DRAWN: usize = 40;

/// One run of a sweep.
#[derive(Clone, Copy, Debug)]
pub struct SweepTrial<'a> {
    /// Its name: its folder's in `runs/`.
    pub name: &'a str,
    /// What sets it apart, by key path.
    pub settings: &'a [(String, toml::Value)],
    /// `done`, `failed` or `stopped`.
    pub status: &'a str,
    /// Why it is not done.
    pub reason: Option<&'a str>,
    /// What it measured, where it is done.
    pub metrics: Option<&'a Metrics>,
}

impl SweepTrial<'_> {
    fn headline(&self) -> Option<f64> {
        Some(self.metrics?.returns.get(&PolicyRole::Headline)?.mean)
    }

    fn fidelity(&self) -> Option<f64> {
        self.metrics?.agreement.expert_states.get(&PolicyRole::Headline).copied()
    }

    fn operations(&self) -> Option<f64> {
        Some(self.metrics?.headline()?.operations as f64)
    }

    /// Its settings without the seed, in words.
    fn group(&self) -> String {
        let words =
            |(path, value): &(String, toml::Value)| format!("{} = {value}", path.rsplit('.').next().unwrap_or(path));
        let settings: Vec<String> = self.settings.iter().filter(|(path, _)| path != SEED).map(words).collect();
        if settings.is_empty() { "all".to_owned() } else { settings.join(", ") }
    }
}

/// A formula of one of the runs.
struct Candidate<'a> {
    trial: &'a str,
    metrics: &'a CandidateMetrics,
    mean: f64,
    fidelity: f64,
}

impl<'a> Candidate<'a> {
    fn of(trial: &'a str, metrics: &'a CandidateMetrics) -> Option<Self> {
        let known: Vec<f64> =
            [metrics.fidelity_own_states, metrics.fidelity_expert_states].into_iter().flatten().collect();
        Some(Self { trial, metrics, mean: metrics.mean.or(metrics.agreement)?, fidelity: mean(&known) })
    }

    /// Whether it is at least as good in return, fidelity and operations, and better in one of them.
    fn beats(&self, other: &Self) -> bool {
        let (own, others) = (self.metrics.operations, other.metrics.operations);
        let is_as_good = self.mean >= other.mean && self.fidelity >= other.fidelity && own <= others;
        is_as_good && (self.mean > other.mean || self.fidelity > other.fidelity || own < others)
    }
}

/// The page; runs' own reports are linked as `runs/NAME/report.html`.
pub fn sweep_html(title: &str, trials: &[SweepTrial<'_>]) -> String {
    let count = |status: &str| trials.iter().filter(|trial| trial.status == status).count();
    let mut body = format!("<header><p class=\"kind\">kanrl sweep</p><h1>{}</h1><p>", escape(title));
    body += &format!("<b>{} of {} runs</b> are done", count("done"), trials.len());
    for status in ["failed", "stopped"] {
        if count(status) > 0 {
            body += &format!(", {} {status}", count(status));
        }
    }
    body += ".</p></header>\n";
    let mut environments: BTreeMap<&str, Vec<&SweepTrial<'_>>> = BTreeMap::new();
    for trial in trials {
        if let Some(metrics) = trial.metrics {
            environments.entry(&metrics.environment).or_default().push(trial);
        }
    }
    for (environment, trials) in &environments {
        let of = if environments.len() > 1 { format!(": {environment}") } else { String::new() };
        body += &section(&format!("The front{of}"), &front(trials));
        body += &section(&format!("Over seeds{of}"), &over_seeds(trials));
    }
    body += &section("Runs", &runs(trials));
    for (heading, status) in [("Failures", "failed"), ("Stopped early", "stopped")] {
        let reasons = reasons(trials, status);
        if !reasons.is_empty() {
            body += &section(heading, &reasons);
        }
    }
    document(&format!("{title}: a sweep"), &body, "")
}

/// A link to a run's own report.
fn link(name: &str) -> String {
    let name = escape(name);
    format!("<a href=\"runs/{name}/report.html\">{name}</a>")
}

fn candidates<'a>(trial: &SweepTrial<'a>) -> Vec<Candidate<'a>> {
    let (name, metrics) = (trial.name, trial.metrics);
    metrics.into_iter().flat_map(|metrics| &metrics.candidates).filter_map(|one| Candidate::of(name, one)).collect()
}

fn front(trials: &[&SweepTrial<'_>]) -> String {
    let all: Vec<Candidate<'_>> = trials.iter().flat_map(|trial| candidates(trial)).collect();
    let places: Vec<(f64, f64)> = all.iter().map(|one| (one.metrics.operations as f64, one.mean)).collect();
    let point = |one: &Candidate<'_>| {
        let (x, y) = (one.metrics.operations as f64, one.mean);
        Point { name: one.metrics.student.clone(), x, y, best: is_best((x, y), &places) }
    };
    let points: Vec<Point> = all.iter().map(point).collect();
    let mut best: Vec<&Candidate<'_>> = all.iter().filter(|one| !all.iter().any(|other| other.beats(one))).collect();
    best.sort_by(|first, second| second.mean.total_cmp(&first.mean).then(first.trial.cmp(second.trial)));
    // Seeds often lead to the same formula.
    best.dedup_by(|second, first| first.metrics.text == second.metrics.text && first.mean == second.mean);
    let row = |one: &&Candidate<'_>| {
        vec![
            link(one.trial),
            escape(&format!("{}, {}", one.metrics.student, one.metrics.tuning)),
            number(one.mean),
            number(one.fidelity),
            one.metrics.operations.to_string(),
            format!("<code>{}</code>", escape(&one.metrics.text).replace('\n', "<br>")),
        ]
    };
    let head = ["Run", "Formula of", "Return", "Fidelity", "Operations", "Formula"].map(str::to_owned);
    format!(
        "<figure class=\"plot\">{}<figcaption>Every formula of every run.</figcaption></figure>\n{}<p class=\"note\">Formulas \
         that no other one of any run beats: at least as good in return, fidelity, and operations, and better in one of them. \
         They are compared on the seeds for choosing.</p>",
        scatter(&points, "operations", "mean return"),
        table(&head, &best.iter().map(row).collect::<Vec<_>>()),
    )
}

fn values(trials: &[&SweepTrial<'_>], value: impl Fn(&SweepTrial<'_>) -> Option<f64>) -> Vec<f64> {
    trials.iter().filter_map(|trial| value(trial)).collect()
}

fn over_seeds(trials: &[&SweepTrial<'_>]) -> String {
    let mut groups: Vec<(String, Vec<&SweepTrial<'_>>)> = Vec::new();
    for trial in trials {
        let name = trial.group();
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push(trial),
            None => groups.push((name, vec![trial])),
        }
    }
    let (mut plotted, mut rows) = (Vec::new(), Vec::new());
    for (name, members) in &groups {
        let returns = values(members, |trial| trial.headline());
        let shown = |values: &[f64]| match values {
            [] => "–".to_owned(),
            values => {
                let Interval { low, high } = mean_interval(values);
                format!("{} <small>[{}, {}]</small>", number(mean(values)), number(low), number(high))
            }
        };
        if !returns.is_empty() {
            let Interval { low, high } = mean_interval(&returns);
            let ends = returns
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
            plotted.push(IntervalRow {
                name: (plotted.len() + 1).to_string(),
                estimate: mean(&returns),
                interval: Some((low, high)),
                spread: Some(ends),
            });
        }
        rows.push(vec![
            format!("{}. {}", rows.len() + 1, escape(name)),
            members.len().to_string(),
            shown(&returns),
            shown(&values(members, |trial| trial.fidelity())),
            shown(&values(members, |trial| trial.operations())),
        ]);
    }
    let head = ["Settings", "Seeds", "Return [95 %]", "Fidelity [95 %]", "Operations [95 %]"].map(str::to_owned);
    let figure = if (1..=MOST_DRAWN).contains(&plotted.len()) {
        format!(
            "<figure class=\"plot\">{}<figcaption>Dot: mean over seeds of the headline formula's mean return. Thick: its \
             bootstrap 95 % interval. Thin: from the worst seed to the best one.</figcaption></figure>\n",
            intervals(&plotted, "return")
        )
    } else {
        String::new()
    };
    let note = "<p class=\"note\">Each run counts once, with its headline formula's mean return on seeds that nothing was tuned \
                on.</p>";
    figure + &table(&head, &rows) + note
}

fn runs(trials: &[SweepTrial<'_>]) -> String {
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let row = |trial: &SweepTrial<'_>| {
        vec![
            if trial.metrics.is_some() { link(trial.name) } else { escape(trial.name) },
            trial.status.to_owned(),
            optional(trial.headline()),
            trial.metrics.and_then(|metrics| metrics.agreement_text(PolicyRole::Headline)).unwrap_or_default(),
            optional(trial.operations()),
            trial.metrics.and_then(Metrics::headline).map_or_else(String::new, |headline| escape(&headline.student)),
        ]
    };
    let head = ["Run", "Status", "Return", "Agreement", "Operations", "Student"].map(str::to_owned);
    table(&head, &trials.iter().map(row).collect::<Vec<_>>())
}

/// Why runs with this status are not done.
fn reasons(trials: &[SweepTrial<'_>], status: &str) -> String {
    let row = |trial: &SweepTrial<'_>| {
        let (name, reason) = (escape(trial.name), escape(trial.reason.unwrap_or_default()));
        format!("<li><a href=\"logs/{name}.log\">{name}</a>: {reason}</li>\n")
    };
    let rows: String = trials.iter().filter(|trial| trial.status == status).map(row).collect();
    if rows.is_empty() { rows } else { format!("<ul>{rows}</ul>") }
}

#[cfg(test)]
mod tests {
    use super::{SweepTrial, sweep_html};
    use crate::run::Metrics;

    fn metrics(mean: f64, operations: usize) -> Metrics {
        let text = format!(
            r#"{{"format": 3, "environment": "CartPole-v1", "seed": 3,
            "returns": {{"headline": {{"mean": {mean}, "std": 0.5, "n": 2, "worst_5_percent": 1, "interquartile_mean": 1.5,
                "interquartile_mean_interval": {{"low": 1, "high": 2}}, "episodes": [1, 2]}}}},
            "agreement": {{"measure": "r_squared", "expert_states": {{"headline": 0.9}}, "own_states": {{}}}},
            "formulas": {{"headline": {{"student": "kan-2", "operations": {operations}, "lambda": null}}}}, "reason": "",
            "network": "kan-2", "robustness": [],
            "candidates": [{{"student": "kan-2", "tuning": "faithful", "lambda": null, "roles": [], "operations": {operations},
                "mean": {mean}, "interval": null, "worst_5_percent": null, "fidelity_own_states": null,
                "fidelity_expert_states": 0.9, "on_front": true, "text": "a = <{operations}>"}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn formulas_that_no_run_beats_are_on_the_front_and_failures_say_why() {
        let all = [metrics(100.0, 5), metrics(90.0, 9), metrics(80.0, 3)];
        let settings = |seed: i64| vec![("a.width".to_owned(), 2.into()), ("seed".to_owned(), seed.into())];
        let settings: Vec<_> = (0..4).map(settings).collect();
        let trial = |index: usize| SweepTrial {
            name: ["one", "two", "three", "four"][index],
            settings: &settings[index],
            status: if index < 3 { "done" } else { "failed" },
            reason: (index == 3).then_some("out of <oil>"),
            metrics: all.get(index),
        };
        let trials: Vec<_> = (0..4).map(trial).collect();
        let page = sweep_html("widths", &trials);
        assert!(page.contains("<b>3 of 4 runs</b> are done, 1 failed."), "{page}");
        assert!(page.contains("a = &lt;5&gt;") && page.contains("a = &lt;3&gt;"), "{page}");
        assert!(!page.contains("a = &lt;9&gt;"), "worse and longer than the first: {page}");
        assert!(page.contains("1. width = 2</td><td>3</td><td>90 "), "one group of three seeds: {page}");
        assert!(page.contains("logs/four.log\">four</a>: out of &lt;oil&gt;"), "{page}");
        assert_eq!(page, sweep_html("widths", &trials));
    }
}
