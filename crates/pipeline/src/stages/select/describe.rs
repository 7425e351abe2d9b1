//! The choice in words.

use super::score::Scores;
use super::selection::{Candidate, Selection};
use crate::events::Reporter;
use crate::run::statistics::Interval;

/// Says what each formula is worth, and which one is the result and why.
pub(super) fn describe(reporter: &Reporter, selection: &Selection, scores: &Scores) {
    let Scores { measure, digits, .. } = *scores;
    for candidate in &selection.candidates {
        let Candidate { student, operations, on_front, .. } = candidate;
        let front = if *on_front { ", on the front" } else { "" };
        let fidelity = fidelity(candidate);
        let curves = match candidate.formula.curves().len() {
            0 => String::new(),
            1 => " with a curve".to_owned(),
            count => format!(" with {count} curves"),
        };
        let score = candidate.mean.zip(candidate.interval).map_or_else(
            || "leaves its domain".to_owned(),
            |(mean, Interval { low, high })| format!("{measure} {mean:.digits$} ({low:.digits$} to {high:.digits$})"),
        );
        let worst = candidate.worst_5_percent.map_or_else(String::new, |worst| format!(", worst 5 % {worst:.digits$}"));
        let line = format!(
            "{student}, {}: {score}{worst}{fidelity}, {operations} operations{curves}{front}",
            candidate.tuning()
        );
        reporter.message("select", line);
    }
    let chosen = selection.chosen();
    let line = format!("the result is {}, {}: {}", chosen.student, chosen.tuning(), selection.reason);
    reporter.message("select", line);
}

fn fidelity(candidate: &Candidate) -> String {
    let states = [(candidate.fidelity.own_states, "its own"), (candidate.fidelity.expert_states, "the expert's")];
    let known =
        states.into_iter().filter_map(|(value, whose)| Some(format!(", {:.1} % in {whose} states", 100.0 * value?)));
    known.collect()
}
