//! The choice in words.

use super::Candidate;
use super::score::Scores;
use crate::events::Reporter;
use crate::run::statistics::Interval;

/// Says what each formula is worth.
pub(super) fn all(reporter: &Reporter, candidates: &[Candidate], scores: &Scores) {
    let Scores { measure, digits, .. } = *scores;
    for candidate in candidates {
        let Candidate { student, polished, operations, on_front, .. } = candidate;
        let kind = if *polished { "polished" } else { "faithful" };
        let front = if *on_front { ", on the front" } else { "" };
        let score = candidate.mean.zip(candidate.interval).map_or_else(
            || "leaves its domain".to_owned(),
            |(mean, Interval { low, high })| format!("{measure} {mean:.digits$} ({low:.digits$} to {high:.digits$})"),
        );
        reporter.message("select", format!("{student}, {kind}: {score}, {operations} operations{front}"));
    }
}

/// Says so where a formula without a network wins.
pub(super) fn rival(reporter: &Reporter, winner: &Candidate, best_network: &Candidate, digits: usize) {
    let Some(mean) = winner.mean else { return };
    let against = best_network.mean.map_or_else(|| "none".to_owned(), |mean| format!("{mean:.digits$}"));
    let line = format!(
        "the {} rival wins: {mean:.digits$} with {} operations, against {against} with {} of the best network's formula ({})",
        winner.student, winner.operations, best_network.operations, best_network.student
    );
    reporter.message("select", line);
}
