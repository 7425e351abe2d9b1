//! Returns and agreement of every policy.

use super::html::{escape, number, table, title_case};
use super::plot::{IntervalRow, intervals};
use crate::run::{Metrics, PolicyRole};

/// A picture and a table of every policy's returns.
pub(super) fn part(metrics: &Metrics) -> String {
    if metrics.returns.is_empty() {
        return "<p>Nothing was played.</p>".to_owned() + &agreement(metrics);
    }
    let (mut plotted, mut rows) = (Vec::new(), Vec::new());
    for (role, returns) in &metrics.returns {
        let (name, middle, interval) =
            (title_case(role.name()), returns.interquartile_mean, returns.interquartile_mean_interval);
        plotted.push(IntervalRow {
            name: name.clone(),
            estimate: middle,
            interval: Some((interval.low, interval.high)),
            spread: spread(&returns.episodes),
        });
        let [middle, low, high] = [middle, interval.low, interval.high].map(number);
        rows.push(vec![
            escape(&name),
            format!("{middle} <small>[{low}, {high}]</small>"),
            format!("{} ± {}", number(returns.mean), number(returns.std)),
            number(returns.worst_5_percent),
            metrics.agreement_text(*role).unwrap_or_default(),
            returns.n.to_string(),
        ]);
    }
    let head = ["Policy", "Interquartile mean [95 %]", "Mean ± std", "Worst 5 %", "Agreement", "Episodes"];
    let measure = metrics.agreement.measure.map_or("", |measure| measure.meaning());
    format!(
        "<figure class=\"plot\">{}<figcaption>Dot: interquartile mean. Thick: its bootstrap 95 % interval. Thin: nine of \
         ten episodes. All policies played the same seeds.</figcaption></figure>\n{}<p class=\"note\">Agreement with the \
         expert: {}.</p>",
        intervals(&plotted, "return"),
        table(&head.map(str::to_owned), &rows),
        escape(measure),
    )
}

/// Agreement alone, where nothing was played.
fn agreement(metrics: &Metrics) -> String {
    let row = |role: PolicyRole| Some(vec![title_case(role.name()), metrics.agreement_text(role)?]);
    let rows: Vec<Vec<String>> = PolicyRole::ALL.into_iter().filter_map(row).collect();
    let (Some(measure), false) = (metrics.agreement.measure, rows.is_empty()) else { return String::new() };
    let note = format!(
        "<p class=\"note\">Agreement with the log on rows that nothing was fitted to: {}.</p>",
        escape(measure.meaning())
    );
    table(&["Policy", "Agreement"].map(str::to_owned), &rows) + &note
}

/// The 5th and the 95th percentile.
fn spread(episodes: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = episodes.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * sorted.len().saturating_sub(1) as f64).round() as usize).copied();
    Some((at(0.05)?, at(0.95)?))
}
